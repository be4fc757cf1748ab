import { afterAll, expect, it } from 'vitest'
import { type Tensor4D, tf } from '../../lib/engine/tf.ts'
import { conv4 } from '../../lib/model/conv4.ts'
import { embedMatrix, encode } from '../../lib/model/encoder.ts'
import { flatten } from '../../lib/model/flatten.ts'
import { readWeights } from '../../lib/model/weights.ts'

const pixels = flatten({ size: 1, channels: 3 })
const network = conv4({ size: 16, channels: 1 })
afterAll(() => {
  pixels.dispose()
  network.dispose()
})
const rows = (...values: readonly [number, number, number][]): Tensor4D =>
  tf.tensor4d(values.flat(), [values.length, 1, 1, 3])

it('scales outputs to unit norm and keeps zeros', async () => {
  const embeddings = encode(pixels, rows([3, 0, 4], [0, 0, 0]))
  const [first = [], second] = await embeddings.array()
  expect(first[0]).toBeCloseTo(0.6, 6)
  expect(first[2]).toBeCloseTo(0.8, 6)
  expect(second).toEqual([0, 0, 0])
})

it('has a finite gradient at a row of zeros', async () => {
  const slope = tf.grad((x) => tf.sum(encode(pixels, x as Tensor4D)))(rows([0, 0, 0]))
  expect([...(await slope.data())].every(Number.isFinite)).toBe(true)
})

it('moves running statistics only when it is told that it trains', async () => {
  const images = tf.randomNormal([4, 16, 16, 1], 0, 1, 'float32', 1) as Tensor4D
  const before = await readWeights(network)
  encode(network, images)
  expect(await readWeights(network)).toEqual(before)
  encode(network, images, { training: true })
  expect(await readWeights(network)).not.toEqual(before)
})

it('refuses a network that gives maps', () => {
  const input = tf.input({ shape: [4, 4, 1] })
  const maps = tf.model({ inputs: input, outputs: tf.layers.reLU().apply(input) as typeof input })
  const images = tf.zeros([2, 4, 4, 1]) as Tensor4D
  expect(() => encode(maps, images)).toThrow(
    'encode: network output must have shape [2, ?], got [2, 4, 4, 1]',
  )
})

it('embeds batch after batch into one matrix', async () => {
  const batches = [rows([2, 0, 0], [0, 3, 0]), rows([0, 0, 5])]
  const { rows: count, dim, data } = await embedMatrix(pixels, batches)
  expect([count, dim]).toEqual([3, 3])
  expect([...data]).toEqual([1, 0, 0, 0, 1, 0, 0, 0, 1])
})

it('centres the normalised outputs and normalises again', async () => {
  const mean = Float32Array.from([0.5, 0, 0])
  const { data } = await embedMatrix(pixels, [rows([4, 0, 0], [0, 2, 0])], { mean })
  expect([...data.slice(0, 3)]).toEqual([1, 0, 0]) // (1, 0, 0) − mean, scaled
  expect(data[3]).toBeCloseTo(-0.5 / Math.sqrt(1.25), 6)
  expect(data[4]).toBeCloseTo(1 / Math.sqrt(1.25), 6)
})

it('gives an empty matrix of the right width for no batches', async () => {
  expect(await embedMatrix(pixels, [])).toEqual({ rows: 0, dim: 3, data: new Float32Array(0) })
})

it('disposes every batch, also the one that fails', async () => {
  const before = tf.memory().numTensors
  await embedMatrix(pixels, [rows([1, 0, 0]), rows([0, 1, 0])])
  const mean = new Float32Array(2)
  await expect(embedMatrix(pixels, [rows([1, 0, 0])], { mean })).rejects.toThrow(
    'mean must have shape [3], got [2]',
  )
  expect(tf.memory().numTensors).toBe(before)
})

it('takes batches as they come', async () => {
  async function* arriving() {
    yield rows([1, 0, 0])
    yield rows([0, 1, 0])
  }
  expect((await embedMatrix(pixels, arriving())).rows).toBe(2)
})
