import { expect, it } from 'vitest'
import { sampleRows } from '../../lib/cluster/sample-rows.ts'
import { tf } from '../../lib/engine/tf.ts'

const rows = Array.from({ length: 50 }, (_, i) => [i, -i])
const embeddings = tf.tensor2d(rows)

it('draws that many different rows', async () => {
  const drawn = await sampleRows(embeddings, 20, 1).array()
  expect(new Set(drawn.map(([first]) => first)).size).toBe(20)
  for (const [first, second] of drawn) expect(second).toBe(-(first as number))
})

it('draws alike for a seed and otherwise for another', async () => {
  const draw = (seed: number) => sampleRows(embeddings, 20, seed).array()
  expect(await draw(1)).toEqual(await draw(1))
  expect(await draw(1)).not.toEqual(await draw(2))
})

it('gives all rows in order when that many are asked for', async () => {
  expect(await sampleRows(embeddings, 50, 1).array()).toEqual(await embeddings.array())
})

it('gives its caller a tensor to dispose, whatever the size', async () => {
  for (const size of [20, 50]) {
    const before = tf.memory().numTensors
    sampleRows(embeddings, size, 1).dispose()
    expect(tf.memory().numTensors).toBe(before)
    expect((await embeddings.array()).length).toBe(50)
  }
})
