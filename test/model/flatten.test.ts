import { expect, it } from 'vitest'
import { type Tensor2D, tf } from '../../lib/engine/tf.ts'
import { flatten } from '../../lib/model/flatten.ts'

it('gives the pixels in a row and has no weights', async () => {
  const network = flatten({ size: 2, channels: 3 })
  const pixels = Array.from({ length: 24 }, (_, i) => i)
  const images = tf.tensor4d(pixels, [2, 2, 2, 3])
  const rows = network.apply(images) as Tensor2D
  expect(await rows.array()).toEqual([pixels.slice(0, 12), pixels.slice(12)])
  expect(network.weights).toEqual([])
  tf.dispose([images, rows])
})
