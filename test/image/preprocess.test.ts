import { expect, it } from 'vitest'
import { type Tensor4D, tf } from '../../lib/engine/tf.ts'
import type { Preprocessing } from '../../lib/image/options.ts'
import { normalise, pixelTensor, preprocess } from '../../lib/image/preprocess.ts'

const settings: Preprocessing = {
  size: 16,
  channels: 'rgb',
  background: '#808080',
  mean: [120, 110, 100],
  std: [60, 50, 40],
}
const pixels = Uint8Array.from({ length: 2 * 16 * 16 * 3 }, (_, i) => (i * 37) % 256)

it('subtracts the mean and divides by the deviation of each channel', async () => {
  const images = preprocess(pixels, settings)
  const expected = Array.from(pixels, (value, i) => {
    const channel = i % 3
    return (value - (settings.mean[channel] as number)) / (settings.std[channel] as number)
  })
  const largest = Math.max(
    ...(await images.data()).map((value, i) => Math.abs(value - (expected[i] as number))),
  )
  expect(images.shape).toEqual([2, 16, 16, 3])
  expect(largest).toBeLessThan(1e-5)
  images.dispose()
})

it('keeps the numbers of decoded pictures', async () => {
  const images = pixelTensor(pixels, settings)
  expect(Uint8Array.from(await images.data())).toEqual(pixels)
  images.dispose()
})

it('leaves only its result alive', () => {
  const before = tf.memory().numTensors
  const images = preprocess(pixels, settings)
  expect(tf.memory().numTensors).toBe(before + 1)
  images.dispose()
})

it('refuses part of a picture', () => {
  expect(() => pixelTensor(pixels.subarray(1), settings)).toThrow(
    'pixelTensor: expected a multiple of 768 bytes, got 1535 bytes',
  )
})

it('refuses pictures with another number of channels', () => {
  const grey: Tensor4D = tf.zeros([1, 16, 16, 1])
  expect(() => normalise(grey, settings)).toThrow(
    'normalise: images must have shape [?, ?, ?, 3], got [1, 16, 16, 1]',
  )
  grey.dispose()
})
