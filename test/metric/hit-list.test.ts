import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type HitList, hitList, hitScratch } from '../../lib/metric/hit-list.ts'

/** The textbook: sort everything, negatives first at ties, and walk down. */
function bySorting(row: readonly number[], self: number, sameClass: readonly number[]): HitList {
  const ranking = row
    .map((similarity, index) => ({ similarity, index, hit: sameClass.includes(index) }))
    .filter(({ index }) => index !== self)
    .sort((a, b) => b.similarity - a.similarity || Number(a.hit) - Number(b.hit))
  const size = sameClass.length - 1
  let hits = 0
  let precisions = 0
  ranking.slice(0, size).forEach(({ hit }, i) => {
    hits += Number(hit)
    precisions += hit ? hits / (i + 1) : 0
  })
  return {
    mapAtR: precisions / size,
    rPrecision: hits / size,
    before: ranking.findIndex(({ hit }) => hit),
  }
}

const ranked = (row: readonly number[], self: number, sameClass: readonly number[], depth = 8) =>
  hitList(
    Float32Array.from(row),
    self,
    Int32Array.from(sameClass),
    depth,
    hitScratch(sameClass.length - 1),
  )

describe('hitList', () => {
  it('agrees with a full sort, ties included', () => {
    const cases = fc
      .array(fc.integer({ min: 0, max: 6 }), { minLength: 2, maxLength: 40 })
      .chain((row) =>
        fc.record({
          row: fc.constant(row),
          sameClass: fc.subarray([...row.keys()], { minLength: 2 }),
          depth: fc.integer({ min: 1, max: 12 }),
        }),
      )
    fc.assert(
      fc.property(cases, ({ row, sameClass, depth }) => {
        const self = sameClass[0] as number
        const found = ranked(row, self, sameClass, depth)
        const expected = bySorting(row, self, sameClass)
        expect(found.mapAtR).toBeCloseTo(expected.mapAtR, 12)
        expect(found.rPrecision).toBe(expected.rPrecision)
        for (let k = 1; k <= depth; k += 1) expect(found.before < k).toBe(expected.before < k)
      }),
      { numRuns: 2000, seed: 1 },
    )
  })

  it('gives the values of a ranking worked out by hand', () => {
    // Ranks: hit, miss, hit, hit, miss, with R = 3: (1/1 + 2/3) / 3.
    const found = ranked([1, 0.9, 0.8, 0.7, 0.6, 0.5], 0, [0, 1, 3, 4])
    expect(found.mapAtR).toBeCloseTo(5 / 9, 12)
    expect(found.rPrecision).toBeCloseTo(2 / 3, 12)
    expect(found.before).toBe(0)
  })

  it('ranks a negative before a positive that ties with it', () => {
    expect(ranked([1, 0.5, 0.5], 0, [0, 1])).toEqual({ mapAtR: 0, rPrecision: 0, before: 1 })
  })

  it('counts past R when a deeper recall asks for it', () => {
    const row = [1, 0.1, 0.9, 0.8, 0.7]
    expect(ranked(row, 0, [0, 1], 4).before).toBe(3)
    expect(ranked(row, 0, [0, 1], 3).before).toBe(Number.POSITIVE_INFINITY)
  })

  it('scores a class without strangers as perfect', () => {
    expect(ranked([1, 0, -1], 1, [0, 1, 2])).toEqual({ mapAtR: 1, rPrecision: 1, before: 0 })
  })
})
