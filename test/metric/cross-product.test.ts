import { expect, it } from 'vitest'
import { crossProduct, transposed } from '../../lib/metric/cross-product.ts'
import { listOf, unitRows } from './rows.ts'

it.each([1, 3, 4, 9])('agrees with the double loop at %i rows', (rows) => {
  const [a, b] = [unitRows(rows, 5, 1), unitRows(rows, 3, 2)]
  const expected = [0, 1, 2, 3, 4].flatMap((i) =>
    [0, 1, 2].map((j) =>
      listOf(a).reduce((sum, row, r) => sum + (row[i] ?? 0) * (b.data[r * 3 + j] ?? 0), 0),
    ),
  )
  crossProduct(a, b).forEach((value, i) => {
    expect(value).toBeCloseTo(expected[i] as number, 14)
  })
})

it('exchanges rows and columns', () => {
  const matrix = unitRows(3, 2, 3)
  const turned = transposed(matrix)
  expect([turned.rows, turned.dim]).toEqual([2, 3])
  expect(turned.data[1 * 3 + 2]).toBe(matrix.data[2 * 2 + 1])
})

it('names the rows that differ', () => {
  expect(() => crossProduct(unitRows(2, 3, 1), unitRows(4, 3, 1))).toThrow('[2, ?], got [4, 3]')
})
