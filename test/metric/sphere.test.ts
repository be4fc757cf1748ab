import { describe, expect, it } from 'vitest'
import { alignment, uniformity } from '../../lib/metric/sphere.ts'
import { collapsedRows, listOf, rowsOf, unitRows } from './rows.ts'

describe('alignment', () => {
  it('is the mean squared distance of two views', () => {
    const a = rowsOf([
      [1, 0],
      [1, 0],
    ])
    expect(
      alignment(
        a,
        rowsOf([
          [0, 1],
          [-1, 0],
        ]),
      ),
    ).toBeCloseTo((2 + 4) / 2, 12)
    expect(alignment(a, a)).toBe(0)
  })
})

describe('uniformity', () => {
  it('agrees with the double loop', async () => {
    const rows = unitRows(30, 5, 1)
    const list = listOf(rows)
    const terms = list.flatMap((a, i) =>
      list.slice(i + 1).map((b) => {
        const squares = a.reduce((sum, value, k) => sum + (value - (b[k] as number)) ** 2, 0)
        return Math.exp(-2 * squares)
      }),
    )
    const expected = Math.log(terms.reduce((sum, term) => sum + term, 0) / terms.length)
    expect(await uniformity(rows, { chunkBytes: 8 * 30 * 7 })).toBeCloseTo(expected, 5)
  })

  it('is 0 when all vectors are equal and lowest when they are opposite', async () => {
    expect(await uniformity(collapsedRows(9, 5))).toBeCloseTo(0, 5)
    expect(
      await uniformity(
        rowsOf([
          [1, 0],
          [-1, 0],
        ]),
      ),
    ).toBeCloseTo(-8, 5)
  })
})
