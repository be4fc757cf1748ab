import { expect, it } from 'vitest'
import { cluster } from '../../lib/cluster/cluster.ts'
import { tf } from '../../lib/engine/tf.ts'
import { watchCandidate } from '../../lib/learn/watch.ts'
import { centreRows } from '../../lib/metric/centre.ts'
import { flatten } from '../../lib/model/flatten.ts'
import { tinyIds, tinyPictures, tinySize } from './tiny.ts'

const kinds = 5
const ids = tinyIds(kinds, 12)
const pictures = tinyPictures()
const network = flatten({ size: tinySize, channels: 1 })
const embeddings = await pictures.embed(network, tinyIds(kinds, 20, 50))
const { mean, centroids } = await cluster(embeddings, { k: kinds, seed: 1 })
const model = { network, mean, centroids }
const watched = await watchCandidate(model, pictures, ids, 0.15)
const { matrix } = centreRows(await pictures.embed(network, ids), mean)
const cosine = (i: number, j: number) => {
  let sum = 0
  for (let k = 0; k < matrix.dim; k += 1) {
    sum += (matrix.data[i * matrix.dim + k] ?? 0) * (matrix.data[j * matrix.dim + k] ?? 0)
  }
  return sum
}

it('measures uniformity as the loop over all pairs does', () => {
  const values: number[] = []
  for (let i = 0; i < matrix.rows; i += 1) {
    for (let j = 0; j < i; j += 1) values.push(Math.exp(-2 * (2 - 2 * cosine(i, j))))
  }
  const expected = Math.log(values.reduce((sum, one) => sum + one, 0) / values.length)
  expect(watched.figures['uniformity']).toBeCloseTo(expected, 4)
})

it('measures alignment between no distance and that of strangers', () => {
  const { alignment = -1 } = watched.figures
  expect(alignment).toBeGreaterThan(0)
  expect(alignment).toBeLessThan(2)
})

it('sees clusters where there are some', () => {
  expect(watched.figures['silhouette']).toBeGreaterThan(0.1)
  expect(watched.figures['silhouette']).toBeLessThanOrEqual(1)
})

it('fits cosines to the pairs of trusted pictures, and says that the labels are its own', () => {
  const { calibration } = watched
  expect(calibration).toMatchObject({ source: 'pseudo' })
  const { pictures: n = 0, pairsSame = 0, pairsDifferent = 0 } = calibration ?? {}
  expect(n).toBeGreaterThan(ids.length / 2)
  expect(n).toBeLessThan(ids.length)
  expect(pairsSame + pairsDifferent).toBe((n * (n - 1)) / 2)
  expect(calibration?.meanSame).toBeGreaterThan(calibration?.alpha ?? 1)
})

it('prefers the classes of the user', async () => {
  const labelled = { ids, classes: Int32Array.from(ids, (id) => Number(id.split('-')[0])) }
  const { calibration } = await watchCandidate(model, pictures, ids, 0.15, labelled)
  expect(calibration).toMatchObject({ source: 'labelled', pictures: 60, pairsSame: 5 * 66 })
})

it('sees nothing without held-out pictures, and leaves no tensor behind', async () => {
  const before = tf.memory().numTensors
  const nothing = await watchCandidate(model, pictures, [], 0.15)
  expect(nothing).toEqual({ figures: {}, calibration: undefined })
  await watchCandidate(model, pictures, ids, 0.15)
  expect(tf.memory().numTensors).toBe(before)
})
