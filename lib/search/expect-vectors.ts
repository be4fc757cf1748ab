import type { Matrix } from '../engine/matrix.ts'
import { InputError, ShapeError } from '../errors.ts'

/** What a norm may differ from 1 by: rows pass through float32. */
const normTolerance = 1e-3

/** @throws {@link ShapeError} unless the rows have that length. */
export function expectRows(where: string, { rows, dim, data }: Matrix, expected: number): void {
  if (dim === expected && data.length === rows * dim) return
  throw new ShapeError(`${where}: vectors must have shape [?, ${expected}], got [${rows}, ${dim}]`)
}

/** @throws {@link InputError} if a number is not finite. */
export function expectFinite(where: string, { data }: Matrix): void {
  if (data.every(Number.isFinite)) return
  throw new InputError(`${where}: expected finite numbers, got one that is not`)
}

/**
 * The bound on an engine's rounding holds for rows of norm 1; a row of zeros is near to nothing.
 *
 * @throws {@link InputError} if a row is neither.
 */
export function expectUnit(where: string, { rows, dim, data }: Matrix): void {
  for (let row = 0; row < rows; row += 1) {
    let squares = 0
    for (let i = row * dim; i < (row + 1) * dim; i += 1) squares += (data[i] as number) ** 2
    const norm = Math.sqrt(squares)
    if (Math.abs(norm - 1) <= normTolerance || norm === 0) continue
    throw new InputError(`${where}: expected rows of norm 1, got ${norm} in row ${row}`)
  }
}
