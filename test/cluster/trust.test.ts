import { expect, it } from 'vitest'
import type { Clustering } from '../../lib/cluster/clustering.ts'
import { trustImages } from '../../lib/cluster/trust.ts'
import { randomStream } from '../../lib/engine/random.ts'

/** A clustering of which only what trust reads is told. */
function clustering(parts: {
  labels: number[]
  similarity?: number[]
  margin?: number[]
  minSize?: number
}): Clustering {
  const { labels, similarity = labels.map(() => 1), margin = labels.map(() => 1) } = parts
  const k = Math.max(...labels) + 1
  const counts = Int32Array.from({ length: k }, (_, c) => labels.filter((l) => l === c).length)
  return {
    k,
    requested: k,
    labels: Int32Array.from(labels),
    centroids: { rows: k, dim: 1, data: new Float32Array(k) },
    mean: new Float32Array(1),
    counts,
    similarity: Float32Array.from(similarity),
    margin: Float32Array.from(margin),
    inertia: 0,
    iterations: 1,
    minSize: parts.minSize ?? 1,
    repaired: { dissolved: 0, split: 0 },
  }
}

const range = (n: number) => Array.from({ length: n }, (_, i) => i)
const left = (trusted: Uint8Array) => range(trusted.length).filter((i) => trusted[i] === 0)

it('leaves out the share of images with the lowest margins', () => {
  const margin = randomStream(1, 'margins').shuffled(range(20)) // .15 · 20 = 3 images
  const trusted = trustImages(clustering({ labels: range(20).map(() => 0), margin }))
  expect(
    left(trusted)
      .map((i) => margin[i])
      .sort(),
  ).toEqual([0, 1, 2])
})

it('leaves out images beyond the radius of their own cluster', () => {
  // Cluster 1 is wider than cluster 0: the farthest of each go, not the farthest of all.
  const labels = range(80).map((i) => i % 2)
  const similarity = range(80).map((i) => (i % 2 === 0 ? 0.9 : 0.5) + i / 1_000)
  const trusted = trustImages(clustering({ labels, similarity }), { marginDrop: 0 })
  expect(left(trusted)).toEqual([0, 1, 2, 3]) // 5 % of 40 is 2
})

it('leaves out all images of a cluster that is too small', () => {
  const labels = [0, 0, 0, 1, 1, 0]
  const small = clustering({ labels, minSize: 3 })
  expect([...trustImages(small)]).toEqual([1, 1, 1, 0, 0, 1])
  expect([...trustImages(small, { minSize: 2 })]).toEqual([1, 1, 1, 1, 1, 1])
})

it('leaves out no image when all tie', () => {
  expect(left(trustImages(clustering({ labels: range(40).map(() => 0) })))).toEqual([])
})

it('trusts everyone when both filters are off', () => {
  const random = randomStream(2, 'trust')
  const draws = () => range(50).map(() => random.uniform())
  const any = clustering({
    labels: range(50).map((i) => i % 3),
    similarity: draws(),
    margin: draws(),
  })
  expect(left(trustImages(any, { marginDrop: 0, radiusShare: 1 }))).toEqual([])
  expect(left(trustImages(any)).length).toBeGreaterThan(6)
})
