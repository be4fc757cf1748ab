import { expect, it } from 'vitest'
import type { Matrix } from '../../lib/engine/matrix.ts'
import { randomStream } from '../../lib/engine/random.ts'
import { principalAxes } from '../../lib/metric/principal-axes.ts'
import { leadingAxes } from '../../lib/search/leading-axes.ts'

/** Rows that vary by `spread(i)` along the i-th number, around 0.3. */
function rowsOf(rows: number, dim: number, spread: (i: number) => number): Matrix {
  const random = randomStream(7, 'rows')
  const data = Float32Array.from(
    { length: rows * dim },
    (_, at) => 0.3 + spread(at % dim) * (random.uniform() - 0.5),
  )
  return { rows, dim, data }
}

it.each([200, 130, 16])('agrees with the whole decomposition at %i numbers a row', (dim) => {
  const matrix = rowsOf(120, dim, (i) => 1 / (1 + i))
  const expected = principalAxes(matrix, 2)
  const found = leadingAxes(matrix)
  for (const axis of [0, 1]) {
    const of = ({ axes }: { axes: Matrix }) => axes.data.subarray(axis * dim, (axis + 1) * dim)
    const cosine = of(found).reduce((sum, value, j) => sum + value * (of(expected)[j] as number), 0)
    expect(Math.abs(cosine)).toBeGreaterThan(0.9999)
  }
  for (const [j, value] of expected.mean.entries()) expect(found.mean[j]).toBeCloseTo(value, 5)
})

it('has directions of no length where rows vary in fewer', () => {
  const { axes } = leadingAxes(rowsOf(5, 140, (i) => (i === 3 ? 1 : 0)))
  expect(Math.abs(axes.data[3] as number)).toBeCloseTo(1, 5)
  expect(axes.data.every(Number.isFinite)).toBe(true)
})

it('gives the same axes each time', () => {
  const matrix = rowsOf(50, 150, () => 1)
  expect(leadingAxes(matrix)).toEqual(leadingAxes(matrix))
})
