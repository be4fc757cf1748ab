import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Matrix } from '../../lib/engine/matrix.ts'
import { tf } from '../../lib/engine/tf.ts'
import { retrieval } from '../../lib/metric/retrieval.ts'
import {
  clusteredRows,
  collapsedRows,
  cosine,
  cyclicLabels,
  listOf,
  rowsOf,
  unitRows,
} from './rows.ts'

/** MAP@R, R-precision and Recall@K by the definitions, in float64. */
function byDefinition(matrix: Matrix, labels: Int32Array, k: number) {
  const list = listOf(matrix)
  const queries = list.flatMap((row, i) => {
    const others = [...list.keys()].filter((j) => j !== i)
    const ranking = others
      .map((j) => ({ hit: labels[j] === labels[i], similarity: cosine(row, list[j] as number[]) }))
      .sort((a, b) => b.similarity - a.similarity || Number(a.hit) - Number(b.hit))
      .map(({ hit }) => hit)
    const r = ranking.filter(Boolean).length
    if (r === 0) return []
    const hitsUpTo = (rank: number) => ranking.slice(0, rank).filter(Boolean).length
    const precisions = ranking.slice(0, r).map((hit, at) => (hit ? hitsUpTo(at + 1) / (at + 1) : 0))
    return [
      {
        map: precisions.reduce((a, b) => a + b, 0) / r,
        precision: hitsUpTo(r) / r,
        recall: Number(hitsUpTo(k) > 0),
      },
    ]
  })
  const mean = (of: (query: (typeof queries)[number]) => number) =>
    queries.reduce((sum, query) => sum + of(query), 0) / queries.length
  return {
    map: mean((q) => q.map),
    precision: mean((q) => q.precision),
    recall: mean((q) => q.recall),
  }
}

describe('retrieval', () => {
  it.each([
    [8, 3, 1.2],
    [128, 7, 3],
    [1280, 7, 8],
  ])('agrees with the definitions at dim %i', async (dim, classes, noise) => {
    const rows = clusteredRows(120, dim, classes, noise)
    const labels = cyclicLabels(120, classes)
    const found = await retrieval(rows, labels, { ks: [1, 4] })
    const expected = byDefinition(rows, labels, 4)
    expect(expected.map).toBeGreaterThan(0.1)
    expect(expected.map).toBeLessThan(0.98)
    expect(found.mapAtR).toBeCloseTo(expected.map, 6)
    expect(found.rPrecision).toBeCloseTo(expected.precision, 6)
    expect(found.recallAt[4]).toBeCloseTo(expected.recall, 6)
  })

  it('gives the same bits whatever the size of a chunk', async () => {
    const rows = clusteredRows(200, 48, 9, 2)
    const labels = cyclicLabels(200, 9)
    const whole = await retrieval(rows, labels)
    for (const perBlock of [1, 13, 100]) {
      expect(await retrieval(rows, labels, { chunkBytes: perBlock * 8 * 200 })).toEqual(whole)
    }
  })

  it('scores a collapsed embedding as 0', async () => {
    const found = await retrieval(collapsedRows(300, 96), cyclicLabels(300, 30))
    expect(found).toMatchObject({ mapAtR: 0, rPrecision: 0, recallAt: { 1: 0, 2: 0, 4: 0, 8: 0 } })
  })

  it('scores zero rows as 0', async () => {
    const zeros = { rows: 40, dim: 5, data: new Float32Array(200) }
    expect(await retrieval(zeros, cyclicLabels(40, 4))).toMatchObject({ mapAtR: 0 })
  })

  it('scores separated classes as 1', async () => {
    const found = await retrieval(clusteredRows(60, 64, 4, 0.1), cyclicLabels(60, 4))
    expect(found).toMatchObject({ mapAtR: 1, rPrecision: 1, recallAt: { 1: 1 } })
  })

  it('leaves out rows that are alone in their class, but keeps them in the gallery', async () => {
    // Row 2, alone, is nearer to row 0 than row 1 is.
    const rows = rowsOf([
      [1, 0],
      [0.6, 0.8],
      [0.8, 0.6],
    ])
    const found = await retrieval(rows, Int32Array.of(5, 5, -9))
    expect(found).toMatchObject({ queries: 2, leftOut: 1, recallAt: { 1: 0, 2: 1 }, mapAtR: 0 })
    expect([...found.perQuery.row]).toEqual([0, 1])
  })

  it('says NaN when no row has another of its class', async () => {
    const found = await retrieval(unitRows(5, 3, 1), Int32Array.of(1, 2, 3, 4, 5))
    expect(found).toMatchObject({ queries: 0, leftOut: 5, mapAtR: Number.NaN })
  })

  it('scores a single class as 1', async () => {
    const found = await retrieval(unitRows(30, 8, 2), new Int32Array(30))
    expect(found).toMatchObject({ mapAtR: 1, queries: 30, leftOut: 0 })
  })

  it('has values per query whose means are the figures', async () => {
    const { perQuery, ...found } = await retrieval(unitRows(50, 6, 3), cyclicLabels(50, 6))
    const mean = (values: Float32Array) => values.reduce((a, b) => a + b, 0) / values.length
    expect(mean(perQuery.mapAtR)).toBeCloseTo(found.mapAtR, 12)
    expect(mean(perQuery.recallAt1)).toBe(found.recallAt[1])
  })

  it('keeps MAP@R at most R-precision, and recall rising with K', async () => {
    const cases = fc.record({
      rows: fc.integer({ min: 2, max: 30 }),
      classes: fc.integer({ min: 1, max: 6 }),
      seed: fc.nat(1000),
    })
    const holds = async (c: { rows: number; classes: number; seed: number }) => {
      const found = await retrieval(unitRows(c.rows, 4, c.seed), cyclicLabels(c.rows, c.classes))
      if (found.queries === 0) return
      const { 1: one, 2: two, 4: four, 8: eight } = found.recallAt as Record<number, number>
      expect(found.mapAtR).toBeLessThanOrEqual(found.rPrecision + 1e-7)
      expect([one, two, four, eight]).toEqual([one, two, four, eight].toSorted())
    }
    await fc.assert(fc.asyncProperty(cases, holds), { numRuns: 60, seed: 2 })
  })

  it('leaves no tensor alive', async () => {
    const before = tf.memory().numTensors
    await retrieval(unitRows(20, 4, 4), cyclicLabels(20, 3))
    expect(tf.memory().numTensors).toBe(before)
  })

  it('names what does not fit', async () => {
    const rows = unitRows(4, 2, 5)
    await expect(retrieval(rows, new Int32Array(3))).rejects.toThrow('length 4, got 3')
    await expect(retrieval(rows, new Int32Array(4), { ks: [1, 0] })).rejects.toThrow('got 0')
  })
})
