import { describe, expect, it } from 'vitest'
import { tf } from '../../lib/engine/tf.ts'
import { augmentationMrr } from '../../lib/metric/augmentation-mrr.ts'
import { collapsedRows, cosine, listOf, rowsOf, unitRows } from './rows.ts'

describe('augmentationMrr', () => {
  it('gives the reciprocal ranks worked out by hand', async () => {
    const gallery = rowsOf([
      [1, 0],
      [0.8, 0.6],
      [0, 1],
    ])
    const queries = rowsOf([
      [1, 0.1],
      [1, 0],
      [1, 0.2],
    ])
    const found = await augmentationMrr(queries, gallery, Int32Array.of(0, 1, 2))
    expect([...found]).toEqual([1, 0.5, Math.fround(1 / 3)])
  })

  it('agrees with counting in float64, several views a source', async () => {
    const [queries, gallery] = [unitRows(50, 12, 1), unitRows(20, 12, 2)]
    const sources = Int32Array.from({ length: 50 }, (_, i) => (i * 7) % 20)
    const list = listOf(gallery)
    const expected = listOf(queries).map((query, i) => {
      const own = cosine(query, list[sources[i] as number] as number[])
      return Math.fround(1 / list.filter((row) => cosine(query, row) >= own).length)
    })
    const options = { chunkBytes: 8 * 20 * 6 }
    expect([...(await augmentationMrr(queries, gallery, sources, options))]).toEqual(expected)
  })

  it('puts every source last in a collapsed space', async () => {
    const rows = collapsedRows(25, 6)
    const found = await augmentationMrr(
      rows,
      rows,
      Int32Array.from({ length: 25 }, (_, i) => i),
    )
    expect(new Set(found)).toEqual(new Set([Math.fround(1 / 25)]))
  })

  it('names a source that is no row', async () => {
    const rows = unitRows(3, 2, 3)
    const call = augmentationMrr(rows, rows, Int32Array.of(0, 3, 1))
    await expect(call).rejects.toThrow('got 3 of 3')
  })

  it('leaves no tensor alive', async () => {
    const before = tf.memory().numTensors
    await augmentationMrr(unitRows(2, 3, 1), unitRows(4, 3, 2), Int32Array.of(1, 2))
    expect(tf.memory().numTensors).toBe(before)
  })
})
