import { expect, it } from 'vitest'
import type { Clustering } from '../../lib/cluster/clustering.ts'
import { clusterStatistics } from '../../lib/cluster/statistics.ts'

const clustering: Clustering = {
  k: 3,
  requested: 5,
  labels: Int32Array.of(0, 0, 0, 0, 1, 1, 1, 2, 2, 2),
  centroids: { rows: 3, dim: 1, data: new Float32Array(3) },
  mean: new Float32Array(1),
  counts: Int32Array.of(4, 3, 3),
  similarity: new Float32Array(10),
  margin: Float32Array.of(9, 8, 7, 6, 5, 4, 3, 2, 1, 0),
  inertia: 2.5,
  iterations: 7,
  minSize: 3,
  repaired: { dissolved: 2, split: 1 },
}
const trusted = Uint8Array.of(1, 1, 1, 1, 1, 1, 1, 0, 0, 1)

it('tells size, spread and trust of a clustering, worked out by hand', () => {
  const { margins, gini, untrusted, ...rest } = clusterStatistics(clustering, trusted)
  expect(rest).toEqual({
    images: 10,
    inertia: 2.5,
    iterations: 7,
    alive: 3,
    dead: 2,
    sizeMin: 3,
    sizeMedian: 3,
    sizeMax: 4,
    dissolved: 2,
    split: 1,
    ignored: 0,
  })
  expect(untrusted).toBeCloseTo(0.2, 12)
  // Mean difference of two sizes |4 − 3| · 4 / 9 pairs, over twice the mean 10 / 3
  expect(gini).toBeCloseTo(4 / 9 / (20 / 3), 12)
  margins.forEach((margin, i) => {
    expect(margin).toBeCloseTo(9 * ([0.05, 0.25, 0.5, 0.75, 0.95][i] as number), 6)
  })
})

it('finds no inequality where all clusters are of one size', () => {
  const even = { ...clustering, counts: Int32Array.of(5, 5), k: 2 }
  expect(clusterStatistics(even, trusted).gini).toBeCloseTo(0, 12)
})

it('counts the images whose duplicates lie in another cluster', () => {
  const groups = Int32Array.of(1, 1, 2, 3, 2, 4, 5, 6, 6, 7) // 2 is in clusters 0 and 1
  expect(clusterStatistics(clustering, trusted, { groups }).ignored).toBeCloseTo(0.2, 12)
})

it('counts what happened to the identities', () => {
  const events = [
    { kind: 'birth', identity: 5, images: 3 },
    { kind: 'split', identity: 6, from: 1, images: 3 },
    { kind: 'split', identity: 7, from: 1, images: 3 },
    { kind: 'death', identity: 2, images: 9 },
    { kind: 'merge', identity: 3, into: 1, images: 9 },
  ] as const
  const told = clusterStatistics(clustering, trusted, {
    matched: { events, churn: 0.25 },
    nmi: 0.8,
    seconds: 1.5,
  })
  expect(told).toMatchObject({ churn: 0.25, births: 1, splits: 2, deaths: 1, merges: 1 })
  expect(told).toMatchObject({ nmi: 0.8, seconds: 1.5 })
})
