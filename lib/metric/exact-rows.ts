import type { Matrix } from '../engine/matrix.ts'
import { rowNorm } from './rows.ts'

/**
 * Unit rows as sums of two fixed-point parts whose products float32 adds up without rounding.
 *
 * An engine may add the terms of an inner product in any order, and does: the order depends on
 * the shape of the product, so plain float32 similarities change in the last bit with the chunk
 * they are computed in, and two equal rows can get different similarities. Here every partial
 * sum of `high·high`, and of `high·low + low·high`, is an integer multiple of a fixed step below
 * 2^24 steps, so float32 represents it exactly and order stops mattering.
 *
 * The unit rows are shrunk by `scale`, and `low·low` is left out: similarities come out within
 * 1e-6 of the true ones at 128 numbers a row, 1e-5 at 1280.
 */
export interface ExactRows {
  /** Multiples of 2^-12, shape [rows, dim] or, transposed, [dim, rows]. */
  readonly high: Float32Array
  /** What `high` leaves over, at most 2^-13 each; same layout. */
  readonly low: Float32Array
}

const highStep = 2 ** -12

/** Length of the shrunk rows: with all roundings upwards, `high` still has length 1 at most. */
export function exactScale(dim: number): number {
  return 1 - (Math.sqrt(dim) * highStep) / 2
}

/** Step of `low`: |high·low + low·high| ≤ √dim · 2^-12 must stay below 2^24 steps of 2^-12. */
function lowStep(dim: number): number {
  return 2 ** -Math.floor(24 - Math.log2(dim) / 2)
}

/**
 * Splits rows, after L2 normalisation; a zero row stays zero.
 *
 * @param matrix - Rows of any length.
 * @param first - First row to take.
 * @param rows - Number of rows to take.
 * @param transposed - Whether to lay the parts out as [dim, rows].
 * @throws {@link InputError} if a number is not finite.
 */
export function exactRows(
  matrix: Matrix,
  first: number,
  rows: number,
  transposed: boolean,
): ExactRows {
  const { dim, data } = matrix
  const high = new Float32Array(rows * dim)
  const low = new Float32Array(rows * dim)
  const step = lowStep(dim)
  const [alongRow, alongDim] = transposed ? [1, rows] : [dim, 1]
  for (let row = 0; row < rows; row += 1) {
    const norm = rowNorm('similarityBlocks', matrix, first + row)
    const factor = norm === 0 ? 0 : exactScale(dim) / norm
    for (let i = 0; i < dim; i += 1) {
      const value = (data[(first + row) * dim + i] as number) * factor
      const rounded = Math.round(value / highStep) * highStep
      high[row * alongRow + i * alongDim] = rounded
      low[row * alongRow + i * alongDim] = Math.round((value - rounded) / step) * step
    }
  }
  return { high, low }
}
