import { expect, it } from 'vitest'
import { margins } from '../../lib/cluster/margins.ts'
import { tf } from '../../lib/engine/tf.ts'
import { blobs, toColumns } from './blobs.ts'
import { dot } from './naive.ts'

const { rows } = blobs(40, 6, 4, 1)
const centres = blobs(5, 6, 5, 0, 2).rows
const labels = rows.map((_, i) => i % 5) // not the nearest ones: margins of either sign

const measure = (options = {}) =>
  margins(tf.tensor2d(rows), toColumns(centres), tf.tensor1d(labels, 'int32'), options)

it('agrees with a loop over all centroids', async () => {
  const { similarity, margin } = measure()
  const [own, ahead] = await Promise.all([similarity.array(), margin.array()])
  rows.forEach((row, i) => {
    const cosines = centres.map((centre) => dot(row, centre))
    const mine = cosines[labels[i] as number] as number
    const best = Math.max(...cosines.filter((_, c) => c !== labels[i]))
    expect(own[i]).toBeCloseTo(mine, 6)
    expect(ahead[i]).toBeCloseTo(mine - best, 5)
  })
})

it('measures alike whatever the size of a chunk', async () => {
  const whole = measure()
  const cut = measure({ chunkBytes: 2 * 4 * 5 * 7 })
  expect(await cut.margin.array()).toEqual(await whole.margin.array())
  expect(await cut.similarity.array()).toEqual(await whole.similarity.array())
})

it('measures a single cluster against the farthest there could be', async () => {
  const one = margins(tf.tensor2d([[0.6, 0.8]]), toColumns([[0, 1]]), tf.tensor1d([0], 'int32'))
  expect((await one.margin.array())[0]).toBeCloseTo(1.8, 6)
})

it('leaves only its results alive', () => {
  const inputs = [tf.tensor2d(rows), toColumns(centres), tf.tensor1d(labels, 'int32')] as const
  const before = tf.memory().numTensors
  margins(...inputs)
  expect(tf.memory().numTensors).toBe(before + 2)
})

it('names the argument whose shape is wrong', () => {
  const [three, two] = [tf.zeros([3], 'int32') as ReturnType<typeof tf.tensor1d>, tf.zeros([2, 2])]
  const short = () => margins(tf.zeros([4, 2]), two as ReturnType<typeof tf.tensor2d>, three)
  expect(short).toThrow('margins: labels must have shape [4], got [3]')
})
