import type { Matrix } from '../engine/matrix.ts'
import { expectLength, rowNorm } from './rows.ts'

/** Rows of model space, with the mean that belongs to them. */
export interface Centred {
  /** Unit rows, or zero where a row is the mean itself; shape [rows, dim]. */
  readonly matrix: Matrix
  /** Mean of the normalised rows, shape [dim]. */
  readonly mean: Float32Array
}

/** Nearer to the mean than this, a row is rounding noise of the mean, not a direction. */
const noise = 1e-6

/**
 * Mean of the L2-normalised rows, summed in float64; zeros without a row.
 *
 * @param matrix - Rows of any length, shape [rows, dim].
 * @throws {@link InputError} if a number is not finite.
 */
export function meanRow(matrix: Matrix): Float32Array {
  const { rows, dim, data } = matrix
  const sums = new Float64Array(dim)
  for (let row = 0; row < rows; row += 1) {
    const norm = rowNorm('meanRow', matrix, row)
    if (norm === 0) continue
    for (let i = 0; i < dim; i += 1) {
      sums[i] = (sums[i] as number) + (data[row * dim + i] as number) / norm
    }
  }
  return Float32Array.from(sums, (sum) => sum / Math.max(1, rows))
}

/**
 * Model space: norm(norm(row) − mean). Raw cosines of a network lie in a narrow cone around its
 * mean; without it they spread.
 *
 * @param matrix - Network output, shape [rows, dim].
 * @param mean - The mean that a model ships, shape [dim]; absent: that of these rows.
 * @throws {@link ShapeError} if the mean has another length; {@link InputError} if a number is not
 *   finite.
 */
export function centreRows(matrix: Matrix, mean: Float32Array = meanRow(matrix)): Centred {
  const { rows, dim, data } = matrix
  expectLength('centreRows', 'mean', mean.length, dim)
  const centred = new Float32Array(rows * dim)
  const shifted = new Float64Array(dim)
  for (let row = 0; row < rows; row += 1) {
    const norm = rowNorm('centreRows', matrix, row) || 1
    let squares = 0
    for (let i = 0; i < dim; i += 1) {
      const value = (data[row * dim + i] as number) / norm - (mean[i] as number)
      shifted[i] = value
      squares += value * value
    }
    const length = Math.sqrt(squares)
    if (length < noise) continue
    for (let i = 0; i < dim; i += 1) centred[row * dim + i] = (shifted[i] as number) / length
  }
  return { matrix: { rows, dim, data: centred }, mean }
}
