import { expect, it } from 'vitest'
import { seedCentroids } from '../../lib/cluster/seeding.ts'
import { tf } from '../../lib/engine/tf.ts'
import { InputError } from '../../lib/errors.ts'
import { blobs } from './blobs.ts'
import { assignByLoop, inertiaByLoop } from './naive.ts'

type Options = Parameters<typeof seedCentroids>[2]

/** Seeds as rows. */
async function seedRows(rows: number[][], k: number, options: Options = {}) {
  const embeddings = tf.tensor2d(rows)
  const seeds = await seedCentroids(embeddings, k, options)
  const transposed = tf.transpose(seeds)
  const read = (await transposed.array()) as number[][]
  tf.dispose([embeddings, seeds, transposed])
  return read
}

const inertiaOf = (rows: number[][], seeds: number[][]) =>
  inertiaByLoop(rows, assignByLoop(rows, seeds), seeds)

const { rows, groups } = blobs(90, 12, 9, 0.1)
const written = (row: readonly number[]) => row.map(Math.fround).join()

it('takes its seeds from among the embeddings', async () => {
  const known = new Set(rows.map(written))
  for (const seed of await seedRows(rows, 20)) expect(known.has(written(seed))).toBe(true)
})

it('finds every one of the groups that lie far apart', async () => {
  for (const seed of [1, 2, 3, 4, 5]) {
    const seeds = (await seedRows(rows, 9, { seed })).map(written)
    const found = new Set(seeds.map((one) => groups[rows.findIndex((row) => written(row) === one)]))
    expect(found.size).toBe(9)
  }
})

it('keeps the best of its restarts', async () => {
  const loose = blobs(200, 12, 12, 0.8).rows
  const single = inertiaOf(loose, await seedRows(loose, 12, { restarts: 1 }))
  const best = inertiaOf(loose, await seedRows(loose, 12, { restarts: 30 }))
  expect(best).toBeLessThan(single)
})

it('draws a row with a chance that grows with its distance to the seeds so far', async () => {
  // Eight equal rows and one far away: beside either seed only the other kind has weight.
  const pair = [...Array.from({ length: 8 }, () => [1, 0]), [0, 1]]
  for (const seed of [1, 2, 3, 4, 5]) {
    const seeds = await seedRows(pair, 2, { seed, restarts: 1 })
    expect(new Set(seeds.map(written)).size).toBe(2)
  }
})

it('draws from a sample of the rows where there are very many', async () => {
  const many = blobs(300, 4, 300, 0).rows
  const options = { minSample: 20, samplePerCluster: 2, restarts: 1 }
  const drawn = new Set<string>()
  for (const k of [1, 5, 10]) {
    for (const one of await seedRows(many, k, options)) drawn.add(written(one))
  }
  expect(drawn.size).toBeLessThanOrEqual(20)
  const all = await seedRows(many, 15, options) // needs 30 rows of a sample
  expect(new Set(all.map(written)).size).toBe(15)
})

it('seeds alike for a seed and otherwise for another', async () => {
  const [a, b, c] = await Promise.all([1, 1, 2].map((seed) => seedRows(rows, 9, { seed })))
  expect(a).toEqual(b)
  expect(a).not.toEqual(c)
})

it('takes every row when there are as many seeds as distinct rows', async () => {
  const few = blobs(12, 6, 12, 0).rows
  expect(new Set((await seedRows(few, 12)).map(written)).size).toBe(12)
})

it('still draws k seeds when all rows are equal', async () => {
  const equal = Array.from({ length: 10 }, () => [0.6, 0.8])
  expect(await seedRows(equal, 4)).toHaveLength(4)
})

it('leaves only its result alive', async () => {
  const embeddings = tf.tensor2d(rows)
  const before = tf.memory().numTensors
  const seeds = await seedCentroids(embeddings, 9, { minSample: 30, samplePerCluster: 1 })
  expect(tf.memory().numTensors).toBe(before + 1)
  tf.dispose([embeddings, seeds])
})

it('refuses more seeds than rows, and none', async () => {
  const embeddings = tf.tensor2d(rows)
  for (const k of [0, 91, 2.5]) {
    await expect(seedCentroids(embeddings, k)).rejects.toThrow(InputError)
  }
  await expect(seedCentroids(embeddings, 91)).rejects.toThrow('integer in [1, 90], got 91')
})
