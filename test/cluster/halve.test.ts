import { expect, it } from 'vitest'
import { halve } from '../../lib/cluster/halve.ts'
import { randomStream } from '../../lib/engine/random.ts'
import { tf } from '../../lib/engine/tf.ts'
import { blobs, isSamePartition } from './blobs.ts'

const random = () => randomStream(1, 'halve')

it('parts two groups from each other', async () => {
  const { rows, groups } = blobs(40, 8, 2, 0.3)
  const sides = (await halve(tf.tensor2d(rows), random())) as Int32Array
  expect(isSamePartition(sides, groups)).toBe(true)
})

it('leaves rows that coincide together, and a row that is alone', async () => {
  const equal = Array.from({ length: 12 }, () => blobs(1, 8, 1, 0).rows[0] as number[])
  expect(await halve(tf.tensor2d(equal), random())).toBeUndefined()
  expect(await halve(tf.zeros([12, 8]), random())).toBeUndefined()
  expect(await halve(tf.tensor2d([equal[0] as number[]]), random())).toBeUndefined()
})

it('finds two sides in any set that does not coincide', async () => {
  for (let seed = 0; seed < 20; seed += 1) {
    const { rows } = blobs(5, 3, 1, 0.05, seed)
    const sides = await halve(tf.tensor2d(rows), randomStream(seed, 'halve'))
    expect(new Set(sides)).toEqual(new Set([0, 1]))
  }
})

it('draws halves at random where rows without a direction leave 2-means one half', async () => {
  const { rows } = blobs(1, 8, 1, 0)
  const zero = new Array<number>(8).fill(0)
  const mixed = Array.from({ length: 20 }, (_, i) => (i < 10 ? zero : (rows[0] as number[])))
  for (let seed = 0; seed < 10; seed += 1) {
    const sides = await halve(tf.tensor2d(mixed), randomStream(seed, 'halve'))
    const ones = (sides as Int32Array).reduce((sum, side) => sum + side, 0)
    expect(ones).toBe(10)
  }
})

it('leaves nothing alive', async () => {
  const embeddings = tf.tensor2d(blobs(40, 8, 2, 0.3).rows)
  const before = tf.memory().numTensors
  await halve(embeddings, random())
  expect(tf.memory().numTensors).toBe(before)
})
