import { describe, expect, it } from 'vitest'
import { centreRows } from '../../lib/metric/centre.ts'
import { effectiveRank, singularValues, spread } from '../../lib/metric/rank.ts'
import { collapsedRows, cosine, listOf, rowsOf, unitRows } from './rows.ts'

describe('singularValues', () => {
  it('gives the values of a matrix that shows them', () => {
    const rows = rowsOf([
      [0, -3, 0],
      [2, 0, 0],
    ])
    expect([...singularValues(rows)]).toEqual([3, 2])
  })

  it('does not mind which side is longer', () => {
    const wide = unitRows(6, 11, 1)
    const tall = rowsOf(
      Array.from({ length: 11 }, (_, i) => listOf(wide).map((row) => row[i] ?? 0)),
    )
    const expected = singularValues(wide)
    singularValues(tall).forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i] as number, 10)
    })
  })
})

describe('effectiveRank', () => {
  it('counts directions that are used equally', () => {
    const axes = [0, 1, 2, 3].map((i) => [0, 1, 2, 3, 4, 5].map((j) => (i === j ? 2 : 0)))
    expect(effectiveRank(rowsOf(axes))).toBeCloseTo(4, 10)
  })

  it('gives the value worked out by hand', () => {
    // Shares 3/4 and 1/4.
    const expected = Math.exp(-0.75 * Math.log(0.75) - 0.25 * Math.log(0.25))
    expect(
      effectiveRank(
        rowsOf([
          [3, 0, 0],
          [0, 1, 0],
        ]),
      ),
    ).toBeCloseTo(expected, 10)
  })

  it('is 0 when all vectors were equal', () => {
    expect(effectiveRank(centreRows(collapsedRows(30, 20)).matrix)).toBe(0)
  })

  it('sees a few directions in many dimensions as a few', () => {
    const few = unitRows(200, 3, 2)
    const lift = unitRows(3, 300, 3)
    const rows = listOf(few).map((row) =>
      Array.from({ length: 300 }, (_, j) =>
        row.reduce((sum, value, i) => sum + value * (lift.data[i * 300 + j] ?? 0), 0),
      ),
    )
    expect(effectiveRank(rowsOf(rows))).toBeLessThan(3.01)
  })
})

describe('spread', () => {
  it('is one minus the mean cosine', () => {
    const rows = listOf(unitRows(12, 4, 4)).map((row) => row.map((value) => value + 0.5))
    const cosines = rows.flatMap((a) => rows.map((b) => cosine(a, b)))
    const mean = cosines.reduce((sum, value) => sum + value, 0) / cosines.length
    expect(spread(rowsOf(rows))).toBeCloseTo(1 - mean, 6)
  })

  it('is nothing when all vectors are equal', () => {
    expect(spread(collapsedRows(30, 20))).toBeLessThan(1e-6)
  })
})
