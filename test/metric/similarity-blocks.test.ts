import { describe, expect, it } from 'vitest'
import type { Matrix } from '../../lib/engine/matrix.ts'
import { tf } from '../../lib/engine/tf.ts'
import { exactRows } from '../../lib/metric/exact-rows.ts'
import { rowsPerBlock, similarityBlocks } from '../../lib/metric/similarity-blocks.ts'
import { collapsedRows, cosine, listOf, reordered, unitRows } from './rows.ts'

async function allSimilarities(queries: Matrix, gallery: Matrix, chunkBytes = 2 ** 28) {
  const all: number[] = []
  let unit = 1
  for await (const block of similarityBlocks(queries, gallery, { chunkBytes })) {
    all.push(...block.similarities)
    unit = block.unit
  }
  return { all, unit }
}

describe('similarityBlocks', () => {
  it.each([
    [64, 1e-6],
    [1280, 1e-5],
  ])('agrees with float64 cosines at dim %i', async (dim, tolerance) => {
    const [queries, gallery] = [unitRows(9, dim, 1), unitRows(13, dim, 2)]
    const { all, unit } = await allSimilarities(queries, gallery)
    const expected = listOf(queries).flatMap((q) => listOf(gallery).map((g) => cosine(q, g)))
    const errors = expected.map((value, i) => Math.abs(value - (all[i] as number) * unit))
    expect(Math.max(...errors)).toBeLessThan(tolerance)
  })

  it('rounds the exact sum once, on any engine', async () => {
    const rows = unitRows(21, 200, 9)
    const { high, low } = exactRows(rows, 0, 21, false)
    const sum = (a: number, b: number) => {
      let exact = 0 // float64 holds every term and every sum
      for (let i = 0; i < 200; i += 1) {
        const [x, y] = [a * 200 + i, b * 200 + i]
        exact += (high[x] as number) * (high[y] as number)
        exact += (high[x] as number) * (low[y] as number) + (low[x] as number) * (high[y] as number)
      }
      return Math.fround(exact)
    }
    const expected = Array.from({ length: 21 * 21 }, (_, i) => sum(Math.floor(i / 21), i % 21))
    expect((await allSimilarities(rows, rows)).all).toEqual(expected)
  })

  it('gives the same bits whatever the size of a block', async () => {
    const rows = unitRows(150, 100, 3)
    const { all } = await allSimilarities(rows, rows)
    for (const perBlock of [1, 7, 64]) {
      expect((await allSimilarities(rows, rows, perBlock * 8 * 150)).all).toEqual(all)
    }
  })

  it('gives the same bits in both directions of a pair', async () => {
    const rows = unitRows(40, 33, 4)
    const { all } = await allSimilarities(rows, rows)
    const turned = all.map((_, i) => all[(i % 40) * 40 + Math.floor(i / 40)])
    expect(turned).toEqual(all)
  })

  it('gives the same bits in whatever order the gallery comes', async () => {
    const rows = unitRows(37, 65, 5)
    const order = Array.from({ length: 37 }, (_, i) => (i * 5) % 37)
    const { all } = await allSimilarities(rows, rows)
    const shuffled = await allSimilarities(rows, reordered(rows, order))
    expect(shuffled.all).toEqual(all.map((_, i) => all[i - (i % 37) + (order[i % 37] as number)]))
  })

  it('ties equal rows exactly', async () => {
    const { all } = await allSimilarities(collapsedRows(53, 77), collapsedRows(53, 77))
    expect(new Set(all).size).toBe(1)
  })

  it('stays within its memory bound', async () => {
    const [n, dim, chunkBytes] = [512, 32, 2 ** 17]
    const rows = unitRows(n, dim, 6)
    const before = tf.memory().numBytes
    let held = 0 // what the receiver holds outside the engine
    const profile = await tf.profile(async () => {
      for await (const { similarities } of similarityBlocks(rows, rows, { chunkBytes })) {
        held = Math.max(held, similarities.byteLength)
      }
      return tf.scalar(0)
    })
    tf.dispose(profile.result)
    const gallery = 8 * n * dim
    const queries = 8 * rowsPerBlock(n, chunkBytes) * dim
    expect(rowsPerBlock(n, chunkBytes)).toBeLessThan(n / 2)
    expect(profile.peakBytes - before).toBeLessThanOrEqual(gallery + queries + 1.5 * chunkBytes + 4)
    expect(held).toBeLessThanOrEqual(chunkBytes / 2)
  })

  it('leaves no tensor alive, even when its receiver stops early', async () => {
    const rows = unitRows(20, 4, 7)
    const before = tf.memory().numTensors
    await allSimilarities(rows, rows, 800)
    for await (const { first } of similarityBlocks(rows, rows, { chunkBytes: 800 })) {
      if (first > 0) break
    }
    expect(tf.memory().numTensors).toBe(before)
  })

  it('reports its progress', async () => {
    const rows = unitRows(20, 4, 8)
    const seen: number[][] = []
    const options = { chunkBytes: 8 * 8 * 20, report: (...at: number[]) => void seen.push(at) }
    for await (const _ of similarityBlocks(rows, rows, options));
    expect(seen).toEqual([
      [8, 20],
      [16, 20],
      [20, 20],
    ])
  })

  it('names the dims that differ', async () => {
    const call = allSimilarities(unitRows(2, 3, 1), unitRows(2, 4, 1))
    await expect(call).rejects.toThrow('queries must have 4 numbers a row, got 3')
  })
})
