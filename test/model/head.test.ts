import { expect, it } from 'vitest'
import type { Matrix } from '../../lib/engine/matrix.ts'
import { randomStream } from '../../lib/engine/random.ts'
import { type Tensor2D, tf } from '../../lib/engine/tf.ts'
import { flatten } from '../../lib/model/flatten.ts'
import { pcaHead, withHead } from '../../lib/model/head.ts'

/** Rows whose features mix three independent sources of falling strength, and a constant. */
function features(rows: number): Matrix {
  const random = randomStream(1, 'features')
  const data = Array.from({ length: rows }, () => {
    const [a, b, c] = [3, 1, 0.2].map((strength) => strength * random.normal()) as [
      number,
      number,
      number,
    ]
    return [a + b + 5, a - b, 2 * a + c, 7]
  })
  return { rows, dim: 4, data: Float32Array.from(data.flat()) }
}

/** features · kernel + bias, in float64. */
function embedded({ rows, dim, data }: Matrix, kernel: Float32Array, bias: Float32Array) {
  return Array.from({ length: rows }, (_, i) =>
    Array.from(bias, (offset, c) =>
      Array.from({ length: dim }, (_, j) => j).reduce(
        (sum, j) => sum + (data[i * dim + j] ?? 0) * (kernel[j * bias.length + c] ?? 0),
        offset,
      ),
    ),
  )
}

it('begins at uncorrelated, centred components of falling variance', async () => {
  const matrix = features(500)
  const { kernel, bias } = await pcaHead(matrix, 3)
  const rows = embedded(matrix, kernel, bias)
  const moment = (f: (row: number[]) => number) => rows.reduce((sum, row) => sum + f(row), 0) / 500
  const at = (row: number[], c: number) => row[c] ?? 0
  for (const c of [0, 1, 2]) expect(moment((row) => at(row, c))).toBeCloseTo(0, 4)
  expect(moment((row) => at(row, 0) * at(row, 1))).toBeCloseTo(0, 4)
  expect(moment((row) => at(row, 1) * at(row, 2))).toBeCloseTo(0, 4)
  const variances = [0, 1, 2].map((c) => moment((row) => at(row, c) ** 2))
  expect(variances).toEqual([...variances].sort((a, b) => b - a))
  // Of three standardised features; the constant one counts for nothing.
  expect(variances.reduce((a, b) => a + b)).toBeCloseTo(3, 4)
})

it('keeps the distances of standardised features when it keeps all components', async () => {
  const matrix = features(200)
  const { kernel, bias } = await pcaHead(matrix, 4)
  const rows = embedded(matrix, kernel, bias)
  const column = (j: number) => Array.from({ length: 200 }, (_, i) => matrix.data[i * 4 + j] ?? 0)
  const deviation = (values: number[]) => {
    const mean = values.reduce((a, b) => a + b) / 200
    return Math.sqrt(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / 200)
  }
  const expected = [0, 1, 2].reduce((sum, j) => {
    const values = column(j)
    return sum + (((values[0] ?? 0) - (values[1] ?? 0)) / deviation(values)) ** 2
  }, 0)
  const found = (rows[0] ?? []).reduce((sum, v, c) => sum + (v - (rows[1]?.[c] ?? 0)) ** 2, 0)
  expect(found).toBeCloseTo(expected, 3) // sums of squares of a float32 product
})

it('gives the same weights twice', async () => {
  expect(await pcaHead(features(100), 2)).toEqual(await pcaHead(features(100), 2))
})

it('refuses more components than features, and a single row', async () => {
  await expect(pcaHead(features(10), 5)).rejects.toThrow('1 to 4 components of at least 2 rows')
  await expect(pcaHead(features(1), 2)).rejects.toThrow('got 2 of 1')
})

it('puts the given weights behind the features of a network', async () => {
  const init = {
    kernel: Float32Array.from([1, 2, 3, 4, 5, 6, 7, 8]),
    bias: Float32Array.of(10, 20),
  }
  const network = withHead(flatten({ size: 2, channels: 1 }), 2, init)
  const images = tf.tensor4d([1, 0, 0, 1], [1, 2, 2, 1])
  expect(await (network.apply(images) as Tensor2D).array()).toEqual([[18, 30]])
  expect(network.outputShape).toEqual([null, 2])
})

it('leaves nothing behind when it is disposed', async () => {
  const before = tf.memory().numTensors
  const init = await pcaHead(features(50), 2)
  withHead(flatten({ size: 2, channels: 1 }), 2, init).dispose()
  expect(tf.memory().numTensors).toBe(before)
})

it('refuses a second head and weights of another size', () => {
  const network = withHead(flatten({ size: 2, channels: 1 }), 2)
  const init = { kernel: new Float32Array(3), bias: new Float32Array(2) }
  expect(() => withHead(network, 2)).toThrow('a network without a layer head')
  expect(() => withHead(flatten({ size: 2, channels: 1 }), 2, init)).toThrow(
    'withHead: expected 8 and 2 weights, got 3 and 2',
  )
})
