import { expect, it } from 'vitest'
import type { RepairOptions } from '../../lib/cluster/options.ts'
import { defaultMinSize, repair } from '../../lib/cluster/repair.ts'
import { randomStream } from '../../lib/engine/random.ts'
import { tf } from '../../lib/engine/tf.ts'
import { blobs, isSamePartition, toColumns } from './blobs.ts'
import { assignByLoop, meansByLoop } from './naive.ts'

/** Repairs a partition of rows; centroids come back as rows. */
async function mend(rows: number[][], labels: number[], k: number, options: RepairOptions = {}) {
  const centroids = meansByLoop(rows, labels, blobs(k, rows[0]?.length ?? 0, k, 0, 9).rows)
  const [embeddings, columns] = [tf.tensor2d(rows), toColumns(centroids)]
  const before = tf.memory().numTensors
  const partition = { labels: Int32Array.from(labels), centroids: columns }
  const mended = await repair(embeddings, partition, options)
  expect(tf.memory().numTensors).toBe(before + 1) // its centroids
  expect([...partition.labels]).toEqual(labels)
  const found = (await tf.transpose(mended.centroids).array()) as number[][]
  tf.dispose([embeddings, columns, mended.centroids])
  const sizes = found.map((_, c) => mended.labels.filter((label) => label === c).length)
  return { ...mended, centroids: found, before: centroids, sizes }
}

const expectMeans = (rows: number[][], { labels, centroids }: Awaited<ReturnType<typeof mend>>) => {
  const expected = meansByLoop(rows, labels, centroids)
  centroids.flat().forEach((value, i) => {
    expect(value).toBeCloseTo(expected.flat()[i] as number, 5)
  })
}

/** Three far groups of 20, and one of 2 beside the first. */
const base = blobs(60, 8, 3, 0.2)
const strays = [0, 3].map((i) => base.rows[i]?.map((v, j) => v + (j === 0 ? 0.1 : 0)) as number[])
const withStrays = [...base.rows, ...strays]

it('leaves a sound partition as it is', async () => {
  const mended = await mend(base.rows, base.groups, 3)
  expect([...mended.labels]).toEqual(base.groups)
  expect(mended.counts).toEqual({ dissolved: 0, split: 0 })
  mended.centroids.flat().forEach((value, i) => {
    expect(value).toBeCloseTo(mended.before.flat()[i] as number, 6)
  })
})

it('gives the members of a small cluster to the nearest surviving centroid', async () => {
  const labels = [...base.groups.map((group) => group + 1), 0, 0] // the small one comes first
  const mended = await mend(withStrays, labels, 4, { minSize: 12 })
  // Slot 0 stays dead: no cluster has two halves of 12.
  expect(mended.counts).toEqual({ dissolved: 1, split: 0 })
  const survivors = mended.before.slice(1)
  expect([...mended.labels].slice(60)).toEqual(assignByLoop(strays, survivors))
  expect([...mended.labels].slice(0, 60)).toEqual(base.groups)
  expectMeans(withStrays, mended)
})

it('fills a free slot with half of the largest cluster', async () => {
  const merged = base.groups.map((group) => Math.min(group, 1)) // two groups in one cluster
  const mended = await mend(base.rows, merged, 3)
  expect(mended.counts).toEqual({ dissolved: 0, split: 1 })
  expect(isSamePartition(mended.labels, base.groups)).toBe(true)
  expectMeans(base.rows, mended)
})

it('fills slots that are wanted beyond the centroids given', async () => {
  const merged = base.groups.map(() => 0)
  const mended = await mend(base.rows, merged, 1, { k: 3 })
  expect(isSamePartition(mended.labels, base.groups)).toBe(true)
})

it('leaves a slot dead when no half would be large enough', async () => {
  const merged = base.groups.map((group) => Math.min(group, 1))
  const mended = await mend(base.rows, merged, 3, { minSize: 21 })
  expect(mended.sizes).toEqual([60]) // the 20 go to the 40; 2-means offers 20 and 40 again
  expect(mended.counts).toEqual({ dissolved: 1, split: 0 })
})

it('passes the turn of a cluster with an unsound half to the next largest', async () => {
  const lone = blobs(1, 8, 1, 0, 7).rows[0] as number[]
  // Cluster 0: one tight group of 30 and an outlier; cluster 1: two groups of 10; 2: empty.
  const tight = blobs(30, 8, 1, 0.1, 4).rows
  const pair = blobs(20, 8, 2, 0.1, 5)
  const rows = [...tight, lone, ...pair.rows]
  const mended = await mend(
    rows,
    rows.map((_, i) => Number(i > 30)),
    3,
  )
  expect(mended.counts).toEqual({ dissolved: 0, split: 1 })
  expect(new Set(mended.labels.slice(0, 31))).toEqual(new Set([0]))
  expect(isSamePartition(mended.labels.slice(31), pair.groups)).toBe(true)
})

it('does not split a cluster whose members coincide', async () => {
  const [one, other] = blobs(2, 8, 2, 0).rows as [number[], number[]]
  const rows = Array.from({ length: 40 }, (_, i) => (i < 30 ? one : other))
  const labels = rows.map((_, i) => Number(i >= 30))
  expect((await mend(rows, labels, 5)).sizes).toEqual([30, 10])
})

it('splits a cluster far above the mean size into the place of the smallest', async () => {
  const huge = blobs(100, 16, 2, 0.2, 2)
  const small = blobs(19 * 5 - 1, 16, 19, 0.2, 3) // the last of them has 4 images, the others 5
  const labels = [...huge.groups.map(() => 0), ...small.groups.map((group) => group + 1)]
  const rows = [...huge.rows, ...small.rows] // 8 · 194 / 20 = 77.6
  const mended = await mend(rows, labels, 20)
  expect(mended.counts).toEqual({ dissolved: 1, split: 1 })
  expect(mended.sizes).toHaveLength(20)
  expect(isSamePartition(mended.labels.slice(0, 100), huge.groups)).toBe(true)
  expect([...mended.labels.slice(100)].filter((_, i) => small.groups[i] !== 18)).toEqual(
    small.groups.filter((group) => group !== 18).map((group) => group + 1),
  )
  expectMeans(rows, mended)
})

it('leaves a cluster at the largest size whole', async () => {
  const rows = blobs(160, 16, 2, 0.2, 2).rows
  const labels = rows.map((_, i) => (i < 80 ? 0 : 1 + (i % 19))) // 10 · 160 / 20 = 80
  expect((await mend(rows, labels, 20, { minSize: 2, maxShare: 10 })).counts.split).toBe(0)
})

it('dissolves a cluster of one instance, however many rows show it', async () => {
  const labels = [...base.groups.map((group) => group + 1), 0, 0]
  const instances = Int32Array.from(labels, (label, i) => (label === 0 ? 999 : i))
  const mended = await mend(withStrays, labels, 4, { minSize: 1, instances })
  expect(mended.counts.dissolved).toBe(1)
  const kept = await mend(withStrays, labels, 4, { minSize: 1 })
  expect(kept.counts.dissolved).toBe(0)
})

it('keeps one cluster of all images when none is large enough', async () => {
  const rows = blobs(5, 4, 5, 0).rows
  const mended = await mend(rows, [0, 1, 2, 2, 3], 4, { minSize: 10 })
  expect(mended.sizes).toEqual([5])
  expectMeans(rows, mended)
})

it('leaves clusters that are large enough, whatever comes in', async () => {
  for (let seed = 0; seed < 25; seed += 1) {
    const random = randomStream(seed, 'partition')
    const k = 2 + random.integer(12)
    const { rows } = blobs(20 + random.integer(60), 6, 4, 1.5, seed)
    const skew = 1 + random.integer(4)
    const labels = rows.map(() => Math.floor(random.uniform() ** skew * k))
    const minSize = defaultMinSize(rows.length, k)
    const mended = await mend(rows, labels, k, { seed })
    expect(Math.min(...mended.sizes)).toBeGreaterThanOrEqual(minSize)
    expect(mended.sizes.length).toBeLessThanOrEqual(k)
    expect(mended.sizes.reduce((sum, size) => sum + size, 0)).toBe(rows.length)
    expect(mended.counts.split).toBeLessThanOrEqual(k)
    expectMeans(rows, mended)
    expect((await mend(rows, labels, k, { seed })).labels).toEqual(mended.labels)
  }
})

it('asks for a quarter of the mean size, within limits', () => {
  expect(defaultMinSize(2_500, 120)).toBe(5)
  expect(defaultMinSize(100, 50)).toBe(4)
  expect(defaultMinSize(20_000, 100)).toBe(20)
})
