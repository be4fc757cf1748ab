import { describe, expect, it } from 'vitest'
import { collapseAlarm } from '../../lib/learn/collapse.ts'
import { collapsedRows, listOf, rowsOf, unitRows } from '../metric/rows.ts'

/** Rows pulled towards one point, so that every cosine is about the square of `pull`. */
const narrow = (pull: number) =>
  rowsOf(
    listOf(unitRows(100, 16, 1)).map((row) => {
      const pulled = row.map((value, i) => Math.sqrt(1 - pull ** 2) * value + (i === 0 ? pull : 0))
      const norm = Math.hypot(...pulled)
      return pulled.map((value) => value / norm)
    }),
  )

describe('collapseAlarm', () => {
  it('is silent in a narrow cone, and rings when all vectors are equal', () => {
    expect(collapseAlarm()(narrow(0.97))).toBe(false)
    expect(collapseAlarm()(collapsedRows(100, 16))).toBe(true)
    expect(collapseAlarm()(narrow(0.999))).toBe(true)
  })

  it('rings when half of the first rank is lost', () => {
    const alarm = collapseAlarm()
    expect(alarm(unitRows(100, 16, 1))).toBe(false)
    expect(alarm(unitRows(100, 16, 2))).toBe(false)
    const flat = listOf(unitRows(100, 3, 3)).map((row) => [...row, ...Array(13).fill(0)])
    expect(alarm(rowsOf(flat))).toBe(true)
  })

  it('takes the first vectors that it is shown for its measure', () => {
    const flat = rowsOf(listOf(unitRows(100, 3, 3)).map((row) => [...row, ...Array(13).fill(0)]))
    const alarm = collapseAlarm()
    expect([alarm(flat), alarm(flat)]).toEqual([false, false])
  })
})
