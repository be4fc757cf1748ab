import { describe, expect, it } from 'vitest'
import { randomStream } from '../../lib/engine/random.ts'
import {
  defaultSamplerOptions,
  type SampledBatch,
  type SamplerOptions,
  sampleBatches,
} from '../../lib/learn/sampler.ts'

/** `sizes[c]` pictures in each cluster c, one after the other. */
const labelsOf = (sizes: readonly number[]) =>
  Int32Array.from(sizes.flatMap((size, label) => Array<number>(size).fill(label)))

interface Draw extends SamplerOptions {
  readonly isTrained?: (picture: number) => boolean
  readonly isFresh?: (picture: number) => boolean
  readonly seed?: number
  readonly burstOf?: (picture: number) => number
}

function take(labels: Int32Array, count: number, draw: Draw = {}): SampledBatch[] {
  const { isTrained = () => true, isFresh = () => false, seed = 1, burstOf, ...more } = draw
  const options = { ...defaultSamplerOptions, ...more }
  const random = randomStream(seed, 's')
  const batches = sampleBatches(labels, isTrained, isFresh, random, options, burstOf)
  return [...batches.take(count)]
}

const first = (labels: Int32Array, draw: Draw = {}) => take(labels, 1, draw)[0] as SampledBatch
const clustersOf = ({ labels }: SampledBatch) => [...new Set(labels)]

describe('sampleBatches', () => {
  it('shows four pictures in two views from each of fifteen clusters', () => {
    const batch = first(labelsOf(Array(30).fill(20)))
    expect(batch.labels).toHaveLength(120)
    expect(clustersOf(batch)).toHaveLength(15)
    expect(new Set(batch.pictures).size).toBe(60)
    for (const picture of new Set(batch.pictures)) {
      const views = batch.views.filter((_, row) => batch.pictures[row] === picture)
      expect([...views]).toEqual([0, 1])
    }
  })

  it('labels each row with the cluster of its picture', () => {
    const labels = labelsOf(Array(30).fill(20))
    for (const batch of take(labels, 5)) {
      expect(batch.labels).toEqual(batch.pictures.map((picture) => labels[picture] as number))
    }
  })

  it('spreads the pictures of a burst over batches where a cluster has others', () => {
    const burstOf = (picture: number) =>
      picture % 20 < 17 ? 20 * Math.floor(picture / 20) : picture
    for (const batch of take(labelsOf(Array(30).fill(20)), 20, { burstOf })) {
      const bursts = new Set([...new Set(batch.pictures)].map(burstOf))
      expect(bursts.size).toBe(60) // 3 alone and 1 of the burst of 17, from each cluster
    }
  })

  it('fills a batch from a burst where a cluster is nothing else', () => {
    const batch = first(labelsOf(Array(30).fill(20)), {
      burstOf: (picture) => Math.floor(picture / 20),
    })
    expect(new Set(batch.pictures).size).toBe(60)
  })

  it('shows no cluster again before all were shown', () => {
    const shown = take(labelsOf(Array(12).fill(9)), 9, { clusters: 4 }).map(clustersOf)
    for (const pass of [0, 3, 6]) {
      expect(new Set(shown.slice(pass, pass + 3).flat()).size).toBe(12)
    }
  })

  it('never shows a cluster twice in a batch where a pass ends within it', () => {
    for (const batch of take(labelsOf(Array(5).fill(9)), 20, { clusters: 3 })) {
      expect(clustersOf(batch)).toHaveLength(3)
      expect(batch.labels).toHaveLength(24)
    }
  })

  it('gives more views of a small cluster, not copies', () => {
    const batch = first(labelsOf([1, 3, 9]))
    const rows = Array.from(batch.pictures, (picture, row) => `${picture}/${batch.views[row]}`)
    expect(new Set(rows).size).toBe(rows.length)
    const viewsOf = (label: number) => batch.views.filter((_, row) => batch.labels[row] === label)
    expect([...viewsOf(0)]).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
    expect(Math.max(...viewsOf(1))).toBe(2)
  })

  it('shows distinct pictures only where one view is asked for', () => {
    const batch = first(labelsOf([1, 3, 20]), { views: 1 })
    expect(clustersOf(batch).sort()).toEqual([1, 2])
    expect(new Set(batch.pictures).size).toBe(batch.pictures.length)
    expect(batch.labels.filter((label) => label === 2)).toHaveLength(8)
  })

  it('makes half of the pictures new where there are enough of both', () => {
    const isFresh = (picture: number) => picture % 20 < 5
    for (const batch of take(labelsOf(Array(10).fill(20)), 5, { isFresh })) {
      expect(batch.pictures.filter(isFresh)).toHaveLength(batch.pictures.length / 2)
    }
  })

  it('fills up with old pictures where few are new, and the other way round', () => {
    const labels = labelsOf([20, 20])
    const few = first(labels, { isFresh: (picture) => picture % 20 === 0 })
    expect(new Set(few.pictures).size).toBe(8)
    expect(few.pictures.filter((picture) => picture % 20 === 0)).toHaveLength(4)
    const most = first(labels, { isFresh: (picture) => picture % 20 !== 0 })
    expect(new Set(most.pictures).size).toBe(8)
  })

  it('leaves out pictures without a label or trust', () => {
    const labels = labelsOf([10, 10, 10])
    labels[3] = -1
    const isTrained = (picture: number) => picture !== 4 && picture < 20
    const shown = new Set(take(labels, 40, { isTrained }).flatMap(({ pictures }) => [...pictures]))
    expect([...shown].sort((a, b) => a - b)).toEqual(
      Array.from({ length: 20 }, (_, i) => i).filter((i) => i !== 3 && i !== 4),
    )
  })

  it('has no batch to give from fewer than two clusters', () => {
    expect(take(labelsOf([50]), 3)).toEqual([])
    expect(take(labelsOf([50, 1]), 3, { views: 1 })).toEqual([])
    expect(take(labelsOf([9, 9]), 3, { isTrained: (picture) => picture < 9 })).toEqual([])
  })

  it('repeats itself for the same seed and not for another', () => {
    const labels = labelsOf(Array(20).fill(10))
    expect(take(labels, 3)).toEqual(take(labels, 3))
    expect(take(labels, 3, { seed: 2 })).not.toEqual(take(labels, 3))
  })
})
