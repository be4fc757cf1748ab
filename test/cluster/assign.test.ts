import { expect, it } from 'vitest'
import { assign } from '../../lib/cluster/assign.ts'
import { tf } from '../../lib/engine/tf.ts'
import { blobs, toColumns } from './blobs.ts'
import { assignByLoop } from './naive.ts'

const { rows } = blobs(57, 6, 5, 0.8)
const centres = blobs(7, 6, 7, 0, 2).rows
const embeddings = tf.tensor2d(rows)
const centroids = toColumns(centres)

it('agrees with the textbook double loop', async () => {
  expect(await assign(embeddings, centroids).array()).toEqual(assignByLoop(rows, centres))
})

it('gives the same labels in chunks of one row, of some and of all', async () => {
  const whole = await assign(embeddings, centroids).array()
  for (const chunkBytes of [1, 4 * 7 * 10, 4 * 7 * 57]) {
    expect(await assign(embeddings, centroids, { chunkBytes }).array()).toEqual(whole)
  }
})

it('gives a tie to the lowest index, wherever the equal centroids stand', async () => {
  const two = blobs(2, 6, 2, 0, 3).rows as [number[], number[]]
  const repeated = toColumns(Array.from({ length: 40 }, (_, c) => two[c % 2] as number[]))
  const labels = await assign(
    tf.tensor2d(Array.from({ length: 64 }, () => two[1])),
    repeated,
  ).array()
  expect(new Set(labels)).toEqual(new Set([1]))
})

it('leaves only its result alive', () => {
  const before = tf.memory().numTensors
  assign(embeddings, centroids, { chunkBytes: 100 }).dispose()
  expect(tf.memory().numTensors).toBe(before)
})

it('names the argument whose shape is wrong', () => {
  const wrong = () => assign(embeddings, tf.zeros([5, 3]))
  expect(wrong).toThrow('assign: centroids must have shape [6, ?], got [5, 3]')
})
