import { expect, it } from 'vitest'
import { memberMeans } from '../../lib/cluster/member-means.ts'
import { type Tensor1D, tf } from '../../lib/engine/tf.ts'
import { blobs, toColumns } from './blobs.ts'
import { dot, meansByLoop } from './naive.ts'

const { rows } = blobs(60, 8, 4, 1)
const labels = rows.map((_, i) => (i * 7) % 5) // of 6 clusters the last is empty
const before = blobs(6, 8, 6, 0, 3).rows
const means = () =>
  memberMeans(tf.tensor2d(rows), tf.tensor1d(labels, 'int32') as Tensor1D, toColumns(before))

it('agrees with the mean of each cluster by a loop', async () => {
  const expected = meansByLoop(rows, labels, before)
  const found = await tf.transpose(means().centroids).data()
  expect(found.length).toBe(48)
  found.forEach((value, i) => {
    expect(value).toBeCloseTo(expected.flat()[i] as number, 6)
  })
})

it('keeps the centroid of a cluster that is empty', async () => {
  const last = tf.slice(tf.transpose(means().centroids), [5, 0], [1, 8])
  expect(await last.data()).toEqual(Float32Array.from(before[5] as number[]))
})

it('keeps the centroid of a cluster whose members cancel each other out', async () => {
  const opposite = tf.tensor2d([
    [1, 0],
    [-1, 0],
  ])
  const kept = memberMeans(opposite, tf.tensor1d([0, 0], 'int32'), toColumns([[0, 1]]))
  expect(await kept.centroids.array()).toEqual([[0], [1]])
})

it('measures with each length how similar the members are to their mean', async () => {
  const centroids = meansByLoop(rows, labels, before)
  const lengths = await means().lengths.array()
  const expected = centroids.map((centroid, c) =>
    rows.reduce((sum, row, i) => sum + (labels[i] === c ? dot(row, centroid) : 0), 0),
  )
  expect(lengths[5]).toBe(0)
  for (const c of [0, 1, 2, 3, 4]) expect(lengths[c]).toBeCloseTo(expected[c] as number, 4)
})

it('leaves only its results alive', () => {
  const inputs = [tf.tensor2d(rows), toColumns(before)] as const
  const placed = tf.tensor1d(labels, 'int32')
  const count = tf.memory().numTensors
  const { centroids, lengths } = memberMeans(inputs[0], placed, inputs[1])
  expect(tf.memory().numTensors).toBe(count + 2)
  tf.dispose([centroids, lengths])
})

it('names the argument whose shape is wrong', () => {
  const short = () => memberMeans(tf.zeros([3, 2]), tf.zeros([2], 'int32'), tf.zeros([2, 2]))
  expect(short).toThrow('memberMeans: labels must have shape [3], got [2]')
  const flat = () => memberMeans(tf.zeros([3, 2]), tf.zeros([3], 'int32'), tf.zeros([3, 2]))
  expect(flat).toThrow('memberMeans: before must have shape [2, ?], got [3, 2]')
})
