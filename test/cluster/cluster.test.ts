import { expect, it } from 'vitest'
import { cluster } from '../../lib/cluster/cluster.ts'
import type { ClusterProgress } from '../../lib/cluster/options.ts'
import { tf } from '../../lib/engine/tf.ts'
import { InputError, ShapeError } from '../../lib/errors.ts'
import { blobs, isSamePartition, toMatrix, unitRow } from './blobs.ts'
import { expectSound } from './expect-sound.ts'

/** Groups in a narrow cone: every cosine above .9. */
function cone(n: number, groups: number, seed = 1) {
  const { rows, groups: labels } = blobs(n, 24, groups, 0.3, seed)
  const matrix = toMatrix(rows.map((row) => unitRow(row.map((value) => 0.2 * value + 1))))
  return { matrix, labels }
}

it('finds the groups of small and large sets, even in a narrow cone', async () => {
  for (const [n, groups] of [
    [96, 6], // ml-kmeans
    [2_400, 8], // the engine
  ] as const) {
    const { matrix, labels } = cone(n, groups)
    const found = await cluster(matrix, { k: groups, restarts: 10 })
    expectSound(matrix, found)
    expect(isSamePartition(found.labels, labels)).toBe(true)
  }
})

it('keeps its invariants on shapeless sets, whatever k is', async () => {
  for (const [n, k] of [
    [300, 1],
    [300, 2],
    [300, 40],
    [300, 150], // n / minSize is 75: half of the slots must die
    [2_200, 60],
  ] as const) {
    const matrix = toMatrix(blobs(n, 12, n, 0, k).rows)
    const found = await cluster(matrix, { k, seed: 5 })
    expectSound(matrix, found)
    expect(Math.min(...found.counts)).toBeGreaterThanOrEqual(found.minSize)
  }
})

it('makes one cluster of very few images, however many are asked for', async () => {
  for (const n of [1, 2, 3]) {
    const matrix = toMatrix(blobs(n, 5, n, 0).rows)
    const found = await cluster(matrix, { k: 8 })
    expect(found).toMatchObject({ k: 1, requested: 8 })
    expect([...found.labels]).toEqual(new Array(n).fill(0))
    expect([...found.similarity, ...found.margin, found.inertia].every(Number.isFinite)).toBe(true)
  }
})

it('makes one cluster of images that are all equal', async () => {
  const row = blobs(1, 12, 1, 0).rows[0] as number[]
  const found = await cluster(toMatrix(Array.from({ length: 100 }, () => row)), { k: 8 })
  expect(found.k).toBe(1)
  expect([...found.similarity, ...found.margin, found.inertia].every(Number.isFinite)).toBe(true)
})

it('never parts exact duplicates when there are fewer pictures than clusters', async () => {
  const pictures = blobs(6, 12, 6, 0).rows
  const matrix = toMatrix(Array.from({ length: 120 }, (_, i) => pictures[i % 6] as number[]))
  const found = await cluster(matrix, { k: 15 })
  expect(
    isSamePartition(
      found.labels,
      Array.from({ length: 120 }, (_, i) => i % 6),
    ),
  ).toBe(true)
})

it('clusters alike for a seed and otherwise for another', async () => {
  const matrix = toMatrix(blobs(2_100, 8, 2_100, 0).rows)
  const [a, b, c] = await Promise.all([1, 1, 2].map((seed) => cluster(matrix, { k: 30, seed })))
  expect(a).toEqual(b)
  expect(a?.labels).not.toEqual(c?.labels)
})

it('fits a sample where there are very many images, and places all of them', async () => {
  const { matrix, labels } = cone(1_200, 6)
  const found = await cluster(matrix, { k: 6, fitPerCluster: 20, restarts: 10 })
  expectSound(matrix, found)
  expect(isSamePartition(found.labels, labels)).toBe(true)
})

it('carries the old labels over when it starts warm, and places new images', async () => {
  const { matrix, labels } = cone(240, 6)
  const swap = [3, 5, 0, 1, 4, 2]
  const initialLabels = Int32Array.from(labels, (l, i) => (i < 60 ? -1 : (swap[l] as number)))
  const phases = new Set<string>()
  const report = ({ phase }: ClusterProgress) => phases.add(phase)
  const found = await cluster(matrix, { k: 6, initialLabels, report })
  expectSound(matrix, found)
  expect([...found.labels]).toEqual(labels.map((label) => swap[label]))
  expect(phases.has('seed')).toBe(false)
})

it('fills new slots and drops surplus ones when k changes between warm starts', async () => {
  const { matrix, labels } = cone(240, 6)
  const initialLabels = Int32Array.from(labels)
  const more = await cluster(matrix, { k: 8, initialLabels })
  expectSound(matrix, more)
  expect(more.k).toBe(8)
  const fewer = await cluster(matrix, { k: 4, initialLabels })
  expectSound(matrix, fewer)
  expect(fewer.k).toBe(4)
})

it('starts cold again when repair has to touch most of a warm start', async () => {
  const { matrix } = cone(240, 6)
  const initialLabels = new Int32Array(240) // all in one cluster
  const phases: string[] = []
  const found = await cluster(matrix, { k: 6, initialLabels, report: (p) => phases.push(p.phase) })
  expect(phases).toContain('seed')
  const cold = await cluster(matrix, { k: 6 })
  expect(found.labels).toEqual(cold.labels)
})

it('reports its phases in order', async () => {
  const phases: string[] = []
  const matrix = toMatrix(blobs(2_100, 8, 5, 1).rows)
  await cluster(matrix, { k: 30, report: ({ phase }) => phases.push(phase) })
  expect(phases.filter((phase, i) => phase !== phases[i - 1])).toEqual([
    'seed',
    'fit',
    'repair',
    'measure',
  ])
})

it('leaves no tensor alive, whether it ends well or not', async () => {
  const { matrix } = cone(240, 6)
  const before = tf.memory().numTensors
  await cluster(matrix, { k: 40 })
  await cluster(matrix, { k: 4, initialLabels: new Int32Array(240), fitPerCluster: 10 })
  const many = toMatrix(blobs(2_100, 8, 5, 1).rows)
  for (const stop of ['seed', 'fit', 'repair', 'measure']) {
    const report = async ({ phase }: ClusterProgress) => {
      if (phase === stop) throw new InputError(`stop in ${phase}`)
    }
    await expect(cluster(many, { k: 30, report })).rejects.toThrow(`stop in ${stop}`)
  }
  expect(tf.memory().numTensors).toBe(before)
})

it('refuses what it cannot cluster, and names it', async () => {
  const { matrix } = cone(24, 3)
  const empty = { rows: 0, dim: 24, data: new Float32Array(0) }
  await expect(cluster(empty, { k: 2 })).rejects.toThrow(ShapeError)
  await expect(cluster(matrix, { k: 0 })).rejects.toThrow('k must be an integer ≥ 1, got 0')
  await expect(cluster(matrix, { k: 1.5 })).rejects.toThrow(InputError)
  const initialLabels = new Int32Array(3)
  await expect(cluster(matrix, { k: 2, initialLabels })).rejects.toThrow('[24], got [3]')
  const broken = { ...matrix, data: matrix.data.with(30, Number.POSITIVE_INFINITY) }
  await expect(cluster(broken, { k: 2 })).rejects.toThrow('must be finite, row 1 is not')
})
