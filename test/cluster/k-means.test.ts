import { kmeans } from 'ml-kmeans'
import { expect, it } from 'vitest'
import { type KMeansIteration, kMeans } from '../../lib/cluster/k-means.ts'
import type { KMeansOptions } from '../../lib/cluster/options.ts'
import { type Tensor2D, tf } from '../../lib/engine/tf.ts'
import { blobs, isSamePartition, toColumns, unitRow } from './blobs.ts'
import { inertiaByLoop, kMeansByLoop } from './naive.ts'

type Read = Omit<KMeansIteration, 'labels' | 'centroids'> & { labels: number[]; rows: number[][] }

/** All iterations, read out. */
async function watch(rows: number[][], seeds: number[][], options: KMeansOptions = {}) {
  const read: Read[] = []
  for await (const state of kMeans(tf.tensor2d(rows), toColumns(seeds), options)) {
    const { iteration, inertia, moved, isLast } = state
    const labels = await state.labels.array()
    const centroids = (await tf.transpose(state.centroids).array()) as number[][]
    read.push({ iteration, inertia, moved, isLast, labels, rows: centroids })
  }
  return read
}

const parted = blobs(120, 16, 6, 0.4)
const seedsOf = (rows: number[][], k: number) => rows.slice(0, k)

it('agrees with float64 loops after every iteration', async () => {
  const { rows } = blobs(150, 8, 5, 1.2)
  const seeds = seedsOf(rows, 9)
  for (const { iteration, labels, inertia, rows: centroids } of await watch(rows, seeds)) {
    const expected = kMeansByLoop(rows, seeds, iteration)
    expect(labels).toEqual(expected.labels)
    expect(Math.abs(inertia - expected.inertia)).toBeLessThan(1e-4 * rows.length)
    centroids.flat().forEach((value, i) => {
      expect(value).toBeCloseTo(expected.centroids.flat()[i] as number, 5)
    })
  }
})

it('parts separated rows as ml-kmeans does from the same seeds', async () => {
  const seeds = seedsOf(parted.rows, 6)
  const ours = (await watch(parted.rows, seeds)).at(-1) as Read
  expect(ours.labels).toEqual(kmeans(parted.rows, 6, { initialization: seeds }).clusters)
  expect(isSamePartition(ours.labels, parted.groups)).toBe(true)
})

it('fits shapeless rows as well as ml-kmeans does from the same seeds', async () => {
  const { rows } = blobs(600, 16, 600, 0)
  const seeds = seedsOf(rows, 20)
  const theirs = kmeans(rows, 20, { initialization: seeds, maxIterations: 25 })
  const inertia = inertiaByLoop(rows, theirs.clusters, theirs.centroids.map(unitRow))
  const ours = (await watch(rows, seeds)).at(-1) as Read
  // Theirs walks through the inside of the sphere, ours on it: 2 % apart at most.
  expect(Math.abs(ours.inertia / inertia - 1)).toBeLessThan(0.02)
})

it('never lets the inertia rise', async () => {
  const { rows } = blobs(400, 12, 7, 2)
  const inertias = (await watch(rows, seedsOf(rows, 15))).map(({ inertia }) => inertia)
  expect(inertias.length).toBeGreaterThan(3)
  inertias.slice(1).forEach((inertia, i) => {
    expect(inertia).toBeLessThanOrEqual((inertias[i] as number) + 1e-3)
  })
})

it('counts the rows that move and ends when hardly one does', async () => {
  const read = await watch(parted.rows, seedsOf(parted.rows, 9))
  expect(read[0]?.moved).toBe(120)
  read.slice(1).forEach(({ moved, labels }, i) => {
    expect(moved).toBe(labels.filter((label, row) => label !== read[i]?.labels[row]).length)
  })
  expect(read.at(-1)).toMatchObject({ moved: 0, isLast: true })
  expect(read.slice(0, -1).some(({ isLast }) => isLast)).toBe(false)
})

it('ends as soon as no more than its tolerance moves', async () => {
  const { rows } = blobs(400, 12, 7, 2)
  const strict = await watch(rows, seedsOf(rows, 15), { tolerance: 0, maxIterations: 100 })
  const loose = await watch(rows, seedsOf(rows, 15), { tolerance: 0.05, maxIterations: 100 })
  expect(loose.length).toBeLessThan(strict.length)
  expect(strict.findIndex(({ moved }) => moved === 0)).toBe(strict.length - 1)
  expect(strict.findIndex(({ moved }) => moved <= 20)).toBe(loose.length - 1)
})

it('ends when its iterations are used up', async () => {
  const { rows } = blobs(400, 12, 7, 2)
  const read = await watch(rows, seedsOf(rows, 15), { maxIterations: 2 })
  expect(read.map(({ isLast }) => isLast)).toEqual([false, true])
})

it('fits alike whatever the size of a chunk', async () => {
  const { rows } = blobs(100, 8, 5, 1.2)
  const [whole, cut] = [{}, { chunkBytes: 4 * 7 * 9 }].map((options) =>
    watch(rows, seedsOf(rows, 7), options),
  )
  expect(await cut).toEqual(await whole)
})

it('leaves a centroid without members where it is', async () => {
  const far = unitRow(parted.rows[0]?.map((value) => -value) as number[])
  const read = (await watch(parted.rows, [...seedsOf(parted.rows, 6), far])).at(-1) as Read
  expect(read.labels).not.toContain(6)
  expect(read.rows[6]).toEqual(far.map(Math.fround))
})

it('leaves nothing alive, whether it runs to its end or is left early', async () => {
  const embeddings = tf.tensor2d(parted.rows)
  const seeds = toColumns(seedsOf(parted.rows, 9))
  const before = tf.memory().numTensors
  for await (const state of kMeans(embeddings, seeds)) expect(state.iteration).toBeGreaterThan(0)
  expect(tf.memory().numTensors).toBe(before)
  for await (const { iteration } of kMeans(embeddings, seeds)) if (iteration === 2) break
  expect(tf.memory().numTensors).toBe(before)
})

it('names the argument whose shape is wrong', async () => {
  const wrong = kMeans(tf.zeros([4, 3]), tf.zeros([2, 2]) as Tensor2D).next()
  await expect(wrong).rejects.toThrow('kMeans: centroids must have shape [3, ?], got [2, 2]')
})
