import { describe, expect, it } from 'vitest'
import { exactRows, exactScale } from '../../lib/metric/exact-rows.ts'
import { rowsOf, unitRows } from './rows.ts'

const isFloat32 = (value: number): boolean => Math.fround(value) === value

/** Adds terms in float64 in the given order and says whether float32 held every partial sum. */
const neverRounds = (terms: readonly number[]): boolean => {
  let sum = 0
  return terms.every((term) => {
    sum += term
    return isFloat32(term) && isFloat32(sum)
  })
}

describe('exactRows', () => {
  it.each([3, 128, 1280])('makes every partial sum a float32 number at dim %i', (dim) => {
    const { high, low } = exactRows(unitRows(2, dim, 1), 0, 2, false)
    const [h0, h1] = [[...high.subarray(0, dim)], [...high.subarray(dim)]]
    const [l0, l1] = [[...low.subarray(0, dim)], [...low.subarray(dim)]]
    const times = (a: number[], b: number[]) => a.map((value, i) => value * (b[i] as number))
    const mixed = [...times(h0, l1), ...times(l0, h1)]
    for (const terms of [times(h0, h0), times(h0, h1), mixed]) {
      expect(neverRounds(terms)).toBe(true)
      expect(neverRounds(terms.toReversed())).toBe(true)
      expect(neverRounds(terms.toSorted((a, b) => a - b))).toBe(true)
    }
  })

  it('keeps the worst case exact: all parts as large as they get, all of one sign', () => {
    const dim = 1280
    const step = 2 ** -12
    const value = Math.floor((1 / Math.sqrt(dim) / exactScale(dim)) * 2 ** 12) * step + step / 2.001
    const { high, low } = exactRows(rowsOf([Array.from({ length: dim }, () => value)]), 0, 1, false)
    expect(neverRounds([...high].map((h) => h * h))).toBe(true)
    expect(
      neverRounds([...high].flatMap((h, i) => [h, h].map((x) => x * (low[i] as number)))),
    ).toBe(true)
  })

  it('adds up to the shrunk unit row', () => {
    const matrix = rowsOf([[3, -4, 0]])
    const { high, low } = exactRows(matrix, 0, 1, false)
    const sums = [...high].map((value, i) => (value + (low[i] as number)) / exactScale(3))
    const expected = [0.6, -0.8, 0]
    sums.forEach((sum, i) => {
      expect(sum).toBeCloseTo(expected[i] as number, 6)
    })
  })

  it('lays the parts out transposed', () => {
    const matrix = unitRows(3, 5, 2)
    const plain = exactRows(matrix, 1, 2, false)
    const turned = exactRows(matrix, 1, 2, true)
    expect(turned.high[3 * 2 + 1]).toBe(plain.high[1 * 5 + 3])
    expect(turned.low[4 * 2 + 0]).toBe(plain.low[0 * 5 + 4])
  })

  it('leaves a zero row at zero', () => {
    expect([...exactRows(rowsOf([[0, 0]]), 0, 1, false).high]).toEqual([0, 0])
  })

  it('names the row that is not finite', () => {
    const matrix = rowsOf([
      [1, 0],
      [Number.NaN, 0],
    ])
    expect(() => exactRows(matrix, 0, 2, false)).toThrow('row 1 is not')
  })
})
