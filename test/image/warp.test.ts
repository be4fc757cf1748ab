import { describe, expect, it } from 'vitest'
import { type Tensor4D, tf } from '../../lib/engine/tf.ts'
import { warp } from '../../lib/image/warp.ts'

const [batch, height, width, channels] = [3, 9, 7, 2] as const
const numbers = Float32Array.from(
  { length: batch * height * width * channels },
  (_, i) => (i * 7_919) % 256,
)
const pictures = (): Tensor4D => tf.tensor4d(numbers, [batch, height, width, channels])

const clamp = (value: number, most: number): number => Math.min(most, Math.max(0, value))

/** One number of a picture between its pixels, the edge going on for ever. */
function sample(view: number, y: number, x: number, channel: number): number {
  const at = (line: number, column: number): number => {
    const pixel = (view * height + clamp(line, height - 1)) * width + clamp(column, width - 1)
    return numbers[pixel * channels + channel] as number
  }
  const [top, left] = [Math.floor(y), Math.floor(x)]
  const [down, right] = [y - top, x - left]
  const upper = at(top, left) * (1 - right) + at(top, left + 1) * right
  const lower = at(top + 1, left) * (1 - right) + at(top + 1, left + 1) * right
  return upper * (1 - down) + lower * down
}

/** The same by the definition, pixel by pixel. */
function warpByLoop(places: readonly number[]): number[] {
  return Array.from(numbers, (_, i) => {
    const channel = i % channels
    const pixel = Math.floor(i / channels)
    const x = ((pixel % width) / (width - 1)) * 2 - 1
    const y = ((Math.floor(pixel / width) % height) / (height - 1)) * 2 - 1
    const view = Math.floor(pixel / (width * height))
    const [a, b, c, d, e, f] = places.slice(6 * view) as [
      number,
      number,
      number,
      number,
      number,
      number,
    ]
    const line = ((d * x + e * y + f + 1) / 2) * (height - 1)
    const column = ((a * x + b * y + c + 1) / 2) * (width - 1)
    return sample(view, line, column, channel)
  })
}

async function largestDifference(places: readonly number[]): Promise<number> {
  const images = pictures()
  const warped = warp(images, Float32Array.from(places))
  const found = await warped.data()
  tf.dispose([images, warped])
  const expected = warpByLoop(places)
  return Math.max(...expected.map((value, i) => Math.abs(value - (found[i] as number))))
}

const windows = [
  [1, 0, 0, 0, 1, 0],
  [-0.6, 0, 0.4, 0, 0.5, -0.5],
  [0.7, 0, -0.3, 0, 1, 0],
].flat()
const poses = [
  [0.9, 0.2, 0.1, -0.3, 1.1, -0.2],
  [-1.2, 0, 0, 0, 0.8, 0.4],
  [0.7, -0.5, 0, 0.5, 0.7, 0],
].flat()

describe('warp', () => {
  it('agrees with the loop over pixels for windows, mirrored ones and those at the edge', async () => {
    // Numbers up to 255: float32 places cost up to 1e-6 of the side at slopes of 255 a pixel.
    expect(await largestDifference(windows)).toBeLessThan(5e-3)
  })

  it('agrees with the loop over pixels for turned and moved pictures', async () => {
    expect(await largestDifference(poses)).toBeLessThan(5e-3)
  })

  it('leaves a picture as it is where each place is its own', async () => {
    const own = [1, 0, 0, 0, 1, 0]
    expect(await largestDifference([...own, ...own, ...own])).toBeLessThan(1e-9)
  })

  it.each([windows, poses])('leaves only its result alive', (...places) => {
    const images = pictures()
    const before = tf.memory().numTensors
    const warped = warp(images, Float32Array.from(places))
    expect(tf.memory().numTensors).toBe(before + 1)
    tf.dispose([images, warped])
  })
})
