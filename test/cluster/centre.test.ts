import { expect, it } from 'vitest'
import { centre } from '../../lib/cluster/centre.ts'
import { InputError } from '../../lib/errors.ts'
import { blobs, toMatrix } from './blobs.ts'

it('agrees with a mean and norms worked out by hand', () => {
  const { unit, mean } = centre(
    toMatrix([
      [1, 0],
      [0, 1],
      [2, 2],
    ]),
  ) // mean [1, 1]
  expect([...mean]).toEqual([1, 1])
  const diagonal = Math.SQRT1_2
  expect([...unit.data]).toEqual([0, -1, -1, 0, diagonal, diagonal].map(Math.fround))
})

it('opens a narrow cone: the rows point in all directions afterwards', () => {
  const { rows } = blobs(200, 16, 4, 0.3)
  const cone = toMatrix(rows.map((row) => row.map((value) => value + 5)))
  const { unit } = centre(cone)
  const sums = new Float64Array(16)
  for (const [i, value] of unit.data.entries()) sums[i % 16] = (sums[i % 16] as number) + value
  expect(Math.hypot(...sums) / 200).toBeLessThan(0.1) // of 1 before
})

it('does not change its input', () => {
  const matrix = toMatrix(blobs(5, 3, 2, 1).rows)
  const copy = matrix.data.slice()
  centre(matrix)
  expect(matrix.data).toEqual(copy)
})

it('gives a row that equals the mean no direction of its own', () => {
  const { unit } = centre(toMatrix(Array.from({ length: 7 }, () => [0.1, 0.7, 0.3])))
  expect(unit.data.every((value) => Math.abs(value) < 0.1)).toBe(true)
})

it('names the row that is not finite', () => {
  const rows = blobs(5, 3, 2, 1).rows
  ;(rows[3] as number[])[1] = Number.NaN
  expect(() => centre(toMatrix(rows))).toThrow(InputError)
  expect(() => centre(toMatrix(rows))).toThrow('embeddings must be finite, row 3 is not')
})
