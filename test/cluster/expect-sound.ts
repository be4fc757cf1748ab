import { expect } from 'vitest'
import { centre } from '../../lib/cluster/centre.ts'
import type { Clustering } from '../../lib/cluster/clustering.ts'
import type { Matrix } from '../../lib/engine/matrix.ts'
import { dot, inertiaByLoop, meansByLoop } from './naive.ts'

const rowsOf = ({ rows, dim, data }: Matrix) =>
  Array.from({ length: rows }, (_, i) => [...data.subarray(i * dim, (i + 1) * dim)])

/** What must hold of every clustering, checked by loops. */
export function expectSound(embeddings: Matrix, found: Clustering): void {
  const rows = rowsOf(centre(embeddings).unit)
  const centroids = rowsOf(found.centroids)
  expect(found.labels.length).toBe(embeddings.rows)
  expect(found.counts.length).toBe(found.k)
  expect(centroids.length).toBe(found.k)
  expect([...found.counts]).toEqual(
    centroids.map((_, c) => found.labels.filter((label) => label === c).length),
  )
  expect(Math.min(...found.counts)).toBeGreaterThan(0)
  expect(found.requested).toBeGreaterThanOrEqual(found.k)
  const means = meansByLoop(rows, found.labels, centroids).flat()
  centroids.flat().forEach((value, i) => {
    expect(value).toBeCloseTo(means[i] as number, 4)
  })
  rows.forEach((row, i) => {
    const cosines = centroids.map((centroid) => dot(row, centroid))
    const own = cosines[found.labels[i] as number] as number
    const best = Math.max(-1, ...cosines.filter((_, c) => c !== found.labels[i]))
    expect(found.similarity[i]).toBeCloseTo(own, 4)
    expect(found.margin[i]).toBeCloseTo(own - best, 4)
  })
  expect(found.inertia).toBeCloseTo(inertiaByLoop(rows, found.labels, centroids), 2)
}
