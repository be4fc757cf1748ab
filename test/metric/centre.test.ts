import { describe, expect, it } from 'vitest'
import { centreRows, meanRow } from '../../lib/metric/centre.ts'
import { collapsedRows, listOf, rowsOf, unitRows } from './rows.ts'

describe('centreRows', () => {
  it('normalises, subtracts the mean and normalises again', () => {
    const { matrix, mean } = centreRows(
      rowsOf([
        [5, 0],
        [0, 2],
      ]),
    )
    expect([...mean]).toEqual([0.5, 0.5])
    expect(listOf(matrix).flat()).toEqual(
      [1, -1, -1, 1].map((sign) => Math.fround(sign * Math.SQRT1_2)),
    )
  })

  it('takes the mean that a model ships', () => {
    const { matrix, mean } = centreRows(rowsOf([[0, 3]]), Float32Array.of(-1, 1))
    expect([...matrix.data]).toEqual([1, 0])
    expect([...mean]).toEqual([-1, 1])
  })

  it('makes rows that are all equal zero, not noise', () => {
    expect(centreRows(collapsedRows(50, 40)).matrix.data.every((value) => value === 0)).toBe(true)
  })

  it('leaves the rows of its argument alone', () => {
    const rows = unitRows(4, 3, 1)
    const before = rows.data.slice()
    centreRows(rows)
    expect(rows.data).toEqual(before)
  })

  it('names a mean of the wrong length', () => {
    const wrong = () => centreRows(unitRows(2, 3, 1), new Float32Array(2))
    expect(wrong).toThrow('centreRows: mean must have length 3, got 2')
  })
})

describe('meanRow', () => {
  it('counts every row once, however long it is', () => {
    expect([
      ...meanRow(
        rowsOf([
          [9, 0],
          [0, 1],
          [0, 0],
          [0, 3],
        ]),
      ),
    ]).toEqual([0.25, 0.5])
  })
})
