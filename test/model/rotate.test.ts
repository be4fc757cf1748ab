import { expect, it } from 'vitest'
import { randomStream } from '../../lib/engine/random.ts'
import { type LayersModel, type Tensor2D, type Tensor4D, tf } from '../../lib/engine/tf.ts'
import { conv4 } from '../../lib/model/conv4.ts'
import { flatten } from '../../lib/model/flatten.ts'
import { rotated } from '../../lib/model/rotate.ts'
import { readWeights, writeWeights } from '../../lib/model/weights.ts'

const side = 16
const images = tf.randomNormal([3, side, side, 1], 0, 1, 'float32', 2) as Tensor4D

/** A rotation of every pair of axes by its own angle: orthogonal, with no symmetry to hide in. */
function rotation(dim: number): Float64Array {
  const random = randomStream(1, 'rotation')
  const matrix = Float64Array.from({ length: dim * dim }, (_, i) => (i % (dim + 1) === 0 ? 1 : 0))
  for (let k = 0; k + 1 < dim; k += 1) {
    const angle = 2 * Math.PI * random.uniform()
    for (let i = 0; i < dim; i += 1) {
      const [a, b] = [matrix[i * dim + k] ?? 0, matrix[i * dim + k + 1] ?? 0]
      matrix[i * dim + k] = a * Math.cos(angle) - b * Math.sin(angle)
      matrix[i * dim + k + 1] = a * Math.sin(angle) + b * Math.cos(angle)
    }
  }
  return matrix
}

async function expectTurned(from: LayersModel, to: LayersModel, turn: Float64Array): Promise<void> {
  const dim = from.outputShape[1] as number
  const rows = await (from.apply(images, { training: false }) as Tensor2D).array()
  const turned = await (to.apply(images, { training: false }) as Tensor2D).array()
  rows.forEach((row, i) => {
    for (let c = 0; c < dim; c += 1) {
      const expected = row.reduce((sum, value, j) => sum + value * (turn[j * dim + c] ?? 0), 0)
      expect(turned[i]?.[c]).toBeCloseTo(expected, 4)
    }
  })
}

it('turns the weights and bias of a last linear layer, in a copy', async () => {
  const network = conv4({ size: side, channels: 1, dim: 8 })
  const weights = await readWeights(network)
  const biased = weights.map((weight, i) => (i === weights.length - 1 ? weight.fill(0.3) : weight))
  writeWeights(network, biased)
  const turn = rotation(8)
  const copy = await rotated(network, turn)
  await expectTurned(network, copy, turn)
  expect(copy.layers).toHaveLength(network.layers.length)
  expect(await readWeights(network)).toEqual(biased)
})

it('appends a linear layer where there is none, and only once', async () => {
  const input = tf.input({ shape: [side, side, 1] })
  const pooled = tf.layers
    .globalAveragePooling2d({})
    .apply(tf.layers.conv2d({ filters: 4, kernelSize: 3 }).apply(input)) as typeof input
  const network = tf.model({ inputs: input, outputs: pooled })
  const turn = rotation(4)
  const once = await rotated(network, turn)
  const twice = await rotated(once, turn)
  await expectTurned(network, once, turn)
  await expectTurned(once, twice, turn)
  expect([once, twice].map(({ layers }) => layers.length - network.layers.length)).toEqual([1, 1])
})

it('takes a layer with an activation for no linear one', async () => {
  const input = tf.input({ shape: [side, side, 1] })
  const relu = tf.layers
    .dense({ units: 3, activation: 'relu' })
    .apply(tf.layers.flatten().apply(input)) as typeof input
  const network = tf.model({ inputs: input, outputs: relu })
  const turn = rotation(3)
  await expectTurned(network, await rotated(network, turn), turn)
})

it('leaves only its result alive', async () => {
  const network = conv4({ size: side, channels: 1, dim: 4 })
  const before = tf.memory().numTensors
  const copy = await rotated(network, rotation(4))
  copy.dispose()
  expect(tf.memory().numTensors).toBe(before)
})

it('refuses a rotation of another size', async () => {
  const wrong = rotated(flatten({ size: 2, channels: 1 }), new Float64Array(9))
  await expect(wrong).rejects.toThrow('rotation must have 4 × 4 numbers, got 9')
})
