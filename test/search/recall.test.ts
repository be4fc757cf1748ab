import { expect, it } from 'vitest'
import { tf } from '../../lib/engine/tf.ts'
import { indexRecall } from '../../lib/search/recall.ts'
import { blockOf } from '../../lib/search/seal.ts'
import '../support/engine.ts'
import { dim, pictureRows } from './generation-support.ts'
import { stamp } from './support.ts'

const blocks = [blockOf(pictureRows(0, 500), dim), blockOf(pictureRows(500, 300), dim)]
const source = {
  ...stamp,
  dim,
  sizes: [500, 300],
  block: async (i: number) => blocks[i] as (typeof blocks)[number],
}

it('is one where the index finds every neighbour, and leaves nothing on the engine', async () => {
  const before = tf.memory().numTensors
  expect(await indexRecall(source)).toBe(1)
  expect(tf.memory().numTensors).toBe(before)
})

it('is one where there is nothing to find', async () => {
  expect(await indexRecall({ ...source, sizes: [] })).toBe(1)
})

it('is lower by what the index does not find', async () => {
  // The index is filled first: it is shown other pictures than the scan.
  let reads = 0
  const lossy = async (i: number) => {
    reads += 1
    return reads === 1 ? blockOf(pictureRows(5_000, 500), dim) : source.block(i)
  }
  const recall = await indexRecall({ ...source, block: lossy }, { queries: 400 })
  expect(recall).toBeGreaterThan(0.2)
  expect(recall).toBeLessThan(0.6)
})
