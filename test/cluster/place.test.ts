import { expect, it } from 'vitest'
import { placeRows } from '../../lib/cluster/place.ts'
import { randomStream } from '../../lib/engine/random.ts'
import { tf } from '../../lib/engine/tf.ts'
import { matrixOf } from '../learn/states.ts'

const random = randomStream(3, 'place')
const unitRow = () => {
  const row = Array.from({ length: 5 }, () => random.normal())
  const norm = Math.hypot(...row)
  return row.map((value) => value / norm)
}
const rows = Array.from({ length: 30 }, unitRow)
const centroids = Array.from({ length: 4 }, unitRow)

it('gives each row its nearest centroid, with cosine and margin, as a loop does', async () => {
  const before = tf.memory().numTensors
  const placed = await placeRows(matrixOf(rows), matrixOf(centroids))
  expect(tf.memory().numTensors).toBe(before)
  for (const [i, row] of rows.entries()) {
    const cosines = centroids.map((one) =>
      one.reduce((sum, value, j) => sum + value * (row[j] as number), 0),
    )
    const [best = 0, second = 0] = cosines.toSorted((a, b) => b - a)
    expect(placed.labels[i]).toBe(cosines.indexOf(best))
    expect(placed.similarity[i]).toBeCloseTo(best, 5)
    expect(placed.margin[i]).toBeCloseTo(best - second, 5)
  }
})
