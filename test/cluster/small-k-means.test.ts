import { expect, it } from 'vitest'
import { isSmall, smallKMeans } from '../../lib/cluster/small-k-means.ts'
import { tf } from '../../lib/engine/tf.ts'
import { blobs, isSamePartition, toColumns } from './blobs.ts'
import { meansByLoop } from './naive.ts'

const { rows, groups } = blobs(60, 8, 4, 0.3)

it('parts separated rows from the seeds it is given', async () => {
  const { labels } = await smallKMeans(tf.tensor2d(rows), toColumns(rows.slice(0, 4)))
  expect(labels[0]).toBe(0)
  expect(isSamePartition(labels, groups)).toBe(true)
})

it('brings its centroids to the unit means of the members', async () => {
  const fit = await smallKMeans(tf.tensor2d(rows), toColumns(rows.slice(0, 4)))
  const expected = meansByLoop(rows, fit.labels, rows.slice(0, 4)).flat()
  const found = await tf.transpose(fit.centroids).data()
  found.forEach((value, i) => {
    expect(value).toBeCloseTo(expected[i] as number, 6)
  })
})

it('stops after the iterations it is given', async () => {
  const loose = blobs(200, 4, 200, 0).rows
  const seeds = toColumns(loose.slice(0, 9))
  const { iterations } = await smallKMeans(tf.tensor2d(loose), seeds, { maxIterations: 3 })
  expect(iterations).toBe(3)
})

it('leaves only its result alive', async () => {
  const [embeddings, seeds] = [tf.tensor2d(rows), toColumns(rows.slice(0, 4))]
  const before = tf.memory().numTensors
  const { centroids } = await smallKMeans(embeddings, seeds)
  expect(tf.memory().numTensors).toBe(before + 1)
  tf.dispose([embeddings, seeds, centroids])
})

it('serves sets that are small in rows and in work', () => {
  expect(isSmall(120, 64, 8)).toBe(true)
  expect(isSmall(2_000, 4, 100)).toBe(true)
  expect(isSmall(2_001, 4, 8)).toBe(false)
  expect(isSmall(120, 1_280, 8)).toBe(false)
})
