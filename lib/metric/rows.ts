import type { Matrix } from '../engine/matrix.ts'

/** Size of a matrix. */
type Size = Pick<Matrix, 'rows' | 'dim'>

import { InputError, ShapeError } from '../errors.ts'

/**
 * Checks that one value comes with each row.
 *
 * @throws {@link ShapeError} if the lengths differ.
 */
export function expectLength(where: string, name: string, length: number, rows: number): void {
  if (length !== rows) {
    throw new ShapeError(`${where}: ${name} must have length ${rows}, got ${length}`)
  }
}

/**
 * Checks that two matrices can be compared row by row.
 *
 * @throws {@link ShapeError} if rows, or with `sameDim` dims, differ.
 */
export function expectTwins(where: string, a: Size, b: Size, sameDim: boolean): void {
  if (a.rows !== b.rows || (sameDim && a.dim !== b.dim)) {
    const expected = `[${a.rows}, ${sameDim ? a.dim : '?'}]`
    throw new ShapeError(
      `${where}: both matrices must have shape ${expected}, got [${b.rows}, ${b.dim}]`,
    )
  }
}

/**
 * Length of a row, in float64.
 *
 * @throws {@link InputError} if a number of the row is not finite.
 */
export function rowNorm(where: string, matrix: Matrix, row: number): number {
  const { data, dim } = matrix
  let sum = 0
  for (let i = row * dim; i < (row + 1) * dim; i += 1) sum += (data[i] as number) ** 2
  const norm = Math.sqrt(sum)
  if (!Number.isFinite(norm)) {
    throw new InputError(`${where}: every number must be finite, row ${row} is not`)
  }
  return norm
}

/** Inner product of two rows, in float64. */
export function rowProduct(a: Matrix, rowA: number, b: Matrix, rowB: number): number {
  const startA = rowA * a.dim
  const startB = rowB * b.dim
  let sum = 0
  for (let i = 0; i < a.dim; i += 1) {
    sum += (a.data[startA + i] as number) * (b.data[startB + i] as number)
  }
  return sum
}
