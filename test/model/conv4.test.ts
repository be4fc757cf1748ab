import { expect, it } from 'vitest'
import { type Scalar, type Tensor4D, tf } from '../../lib/engine/tf.ts'
import { conv4 } from '../../lib/model/conv4.ts'
import { encode } from '../../lib/model/encoder.ts'
import { readWeights, trainableVariables } from '../../lib/model/weights.ts'

const small = { size: 28, channels: 1, seed: 3 }
const pictures = (count: number, channels = 1, size = 28): Tensor4D =>
  tf.randomNormal([count, size, size, channels], 0, 1, 'float32', 5)

it('embeds grey and colour pictures of its size', () => {
  const grey = conv4(small)
  const colour = conv4({ size: 64, channels: 3, dim: 32 })
  expect(grey.inputs[0]?.shape).toEqual([null, 28, 28, 1])
  expect(grey.outputShape).toEqual([null, 64])
  expect(colour.outputShape).toEqual([null, 32])
  for (const network of [grey, colour]) network.dispose()
})

it('begins with the same weights for the same seed and with others for another', async () => {
  const networks = [conv4(small), conv4(small), conv4({ ...small, seed: 4 })]
  const [first, again, other] = await Promise.all(networks.map(readWeights))
  expect(again).toEqual(first)
  expect(other).not.toEqual(first)
  for (const network of networks) network.dispose()
})

it('begins with different weights in each layer', async () => {
  const network = conv4(small)
  const kernels = (await readWeights(network)).filter(({ length }) => length === 3 * 3 * 64 * 64)
  expect(kernels).toHaveLength(3)
  expect(kernels[1]).not.toEqual(kernels[0])
  network.dispose()
})

it('lets a gradient into every weight', async () => {
  const network = conv4(small)
  const images = pictures(8)
  const variables = trainableVariables(network, 'scratch')
  const loss = (): Scalar => {
    const rows = encode(network, images, { training: true })
    return tf.sum(tf.mul(rows, tf.randomNormal(rows.shape, 0, 1, 'float32', 6)))
  }
  const { value, grads } = tf.variableGrads(loss, variables)
  for (const { name } of variables) {
    const [largest = 0] = await tf.max(tf.abs(grads[name] ?? tf.scalar(0))).data()
    expect(largest, name).toBeGreaterThan(0)
  }
  tf.dispose([value, grads, images])
  network.dispose()
})

it('leaves nothing behind', () => {
  const before = tf.memory().numTensors
  const network = conv4(small)
  const images = pictures(2)
  encode(network, images).dispose()
  images.dispose()
  network.dispose()
  expect(tf.memory().numTensors).toBe(before)
})

it('refuses pictures that four poolings leave nothing of', () => {
  expect(() => conv4({ size: 15, channels: 1 })).toThrow('size must be at least 16 pixels, got 15')
})
