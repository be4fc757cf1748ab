import { describe, expect, it } from 'vitest'
import { principalAxes } from '../../lib/metric/principal-axes.ts'
import { listOf, rowsOf, unitRows } from './rows.ts'

const scaled = (rows: number) =>
  rowsOf(listOf(unitRows(rows, 5, 1)).map((row) => row.map((value, i) => 3 + value * (5 - i) ** 2)))

describe('principalAxes', () => {
  it('finds the line that points lie on', () => {
    const points = rowsOf([-2, 0, 1, 5].map((t) => [1 + 3 * t, 7 - 4 * t]))
    const { mean, axes, variances } = principalAxes(points, 2)
    expect([...mean]).toEqual([4, 3])
    expect([...axes.data].slice(0, 2)).toEqual([-0.6, 0.8].map(Math.fround))
    expect(variances[0]).toBeCloseTo(25 * (30 / 4 - 1), 8)
    expect(variances[1]).toBeCloseTo(0, 8)
  })

  it('has orthonormal axes along which the variance is what it says', () => {
    const rows = scaled(80)
    const { mean, axes, variances } = principalAxes(rows, 5)
    const list = listOf(axes)
    list.forEach((axis, i) => {
      list.forEach((other, j) => {
        const product = axis.reduce((sum, value, k) => sum + value * (other[k] as number), 0)
        expect(product).toBeCloseTo(Number(i === j), 5)
      })
      const along = listOf(rows).map((row) =>
        row.reduce((sum, value, k) => sum + (value - (mean[k] as number)) * (axis[k] as number), 0),
      )
      const variance = along.reduce((sum, value) => sum + value * value, 0) / 80
      expect(variance / (variances[i] as number)).toBeCloseTo(1, 4)
    })
    expect([...variances]).toEqual([...variances].toSorted((a, b) => b - a))
  })

  it('makes the largest entry of an axis positive', () => {
    for (const axis of listOf(principalAxes(scaled(40), 3).axes)) {
      expect(Math.max(...axis)).toBeGreaterThanOrEqual(-Math.min(...axis))
    }
  })

  it('names a number of axes that cannot be', () => {
    expect(() => principalAxes(unitRows(4, 3, 1), 4)).toThrow('1 to 3 axes, got 4 and 4')
  })
})
