import { expect, it } from 'vitest'
import { carriedCentroids } from '../../lib/cluster/carry.ts'
import { type Tensor2D, tf } from '../../lib/engine/tf.ts'
import { blobs } from './blobs.ts'
import { meansByLoop } from './naive.ts'

const { rows, groups } = blobs(30, 6, 3, 0.5)
const embeddings = tf.tensor2d(rows)
const carry = (labels: readonly number[], k: number) =>
  carriedCentroids(embeddings, Int32Array.from(labels), k)

async function expectMeans(carried: Tensor2D | undefined, labels: number[], k: number) {
  const nowhere = Array.from({ length: k }, () => new Array<number>(6).fill(0))
  const expected = meansByLoop(rows, labels, nowhere).flat()
  const found = await tf.transpose(carried as Tensor2D).data()
  expect(found.length).toBe(expected.length)
  found.forEach((value, i) => {
    expect(value).toBeCloseTo(expected[i] as number, 6)
  })
}

it('starts each centroid at the unit mean of its old members', async () => {
  await expectMeans(carry(groups, 3), groups, 3)
})

it('leaves images without an old cluster out', async () => {
  const labels = groups.map((group, i) => (i < 6 ? -1 : group))
  await expectMeans(carry(labels, 3), labels, 3)
})

it('closes the gap that an old cluster without images leaves', async () => {
  await expectMeans(
    carry(
      groups.map((group) => group * 2),
      9,
    ),
    groups,
    3,
  )
})

it('drops the smallest old clusters when fewer are wanted', async () => {
  const labels = groups.map((group, i) => (group === 1 && i > 12 ? 2 : group)) // 1 has few
  const kept = labels.map((label) => [0, -1, 1][label] as number)
  await expectMeans(carry(labels, 2), kept, 2)
})

it('carries nothing when no image has an old cluster', () => {
  expect(
    carry(
      groups.map(() => -1),
      3,
    ),
  ).toBeUndefined()
})

it('leaves only its result alive', () => {
  const before = tf.memory().numTensors
  carry(groups, 3)?.dispose()
  expect(tf.memory().numTensors).toBe(before)
})
