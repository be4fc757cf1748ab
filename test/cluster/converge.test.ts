import { expect, it } from 'vitest'
import type { FitProgress } from '../../lib/cluster/clustering.ts'
import { converge } from '../../lib/cluster/converge.ts'
import { tf } from '../../lib/engine/tf.ts'
import { blobs, isSamePartition, toColumns } from './blobs.ts'

const small = blobs(60, 8, 4, 0.3)
const large = blobs(2_400, 16, 30, 0.3) // more than ml-kmeans is given

it('parts small and large sets alike, and leaves only its result alive', async () => {
  for (const { rows, groups } of [small, large]) {
    const seeds = rows.slice(0, new Set(groups).size)
    const [embeddings, start] = [tf.tensor2d(rows), toColumns(seeds)]
    const before = tf.memory().numTensors
    const fit = await converge(embeddings, start)
    expect(tf.memory().numTensors).toBe(before + 1)
    expect(fit.centroids.shape).toEqual([rows[0]?.length, seeds.length])
    expect(isSamePartition(fit.labels, groups)).toBe(true)
    tf.dispose([embeddings, start, fit.centroids])
  }
})

it('reports each iteration on the engine', async () => {
  const told: FitProgress[] = []
  const seeds = toColumns(large.rows.slice(0, 40))
  const fit = await converge(tf.tensor2d(large.rows), seeds, {}, (one) => told.push(one))
  expect(told.map(({ iteration }) => iteration)).toEqual(
    Array.from({ length: fit.iterations }, (_, i) => i + 1),
  )
  expect(told[0]?.moved).toBe(2_400)
})
