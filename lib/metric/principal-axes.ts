import { EigenvalueDecomposition, Matrix as Float64Matrix } from 'ml-matrix'
import type { Matrix } from '../engine/matrix.ts'
import { ShapeError } from '../errors.ts'
import { crossProduct } from './cross-product.ts'

/** The directions in which rows vary most. */
export interface PrincipalAxes {
  /** Mean row, shape [dim]. */
  readonly mean: Float32Array
  /** Orthonormal directions, largest variance first, shape [count, dim]. */
  readonly axes: Matrix
  /** Variance along each axis, population form, shape [count], ≥ 0. */
  readonly variances: Float64Array
}

/** Rows minus their mean, both in the given scale. */
function centred({ rows, dim, data }: Matrix): { mean: Float32Array; matrix: Matrix } {
  const sums = new Float64Array(dim)
  for (let i = 0; i < rows * dim; i += 1) {
    sums[i % dim] = (sums[i % dim] as number) + (data[i] as number)
  }
  const mean = Float32Array.from(sums, (sum) => sum / rows)
  return {
    mean,
    matrix: { rows, dim, data: data.map((value, i) => value - (mean[i % dim] as number)) },
  }
}

/** Signs are free; the largest entry of an axis is made positive, so that reruns agree. */
function oriented(axis: readonly number[]): number[] {
  const largest = axis.reduce((a, b) => (Math.abs(b) > Math.abs(a) ? b : a), 0)
  return largest < 0 ? axis.map((value) => -value) : [...axis]
}

/**
 * Principal component analysis in float64; about 4 s at 1280 numbers a row.
 *
 * A head that starts from it keeps what a smaller vector can keep: weights = axes, transposed.
 *
 * @param matrix - Rows in any scale, shape [rows, dim], at least one row.
 * @param count - Axes wanted, range [1, dim].
 * @throws {@link ShapeError} if there are no rows, or fewer dims than axes.
 */
export function principalAxes(matrix: Matrix, count: number): PrincipalAxes {
  const { rows, dim } = matrix
  if (rows < 1 || count < 1 || count > dim) {
    throw new ShapeError(
      `principalAxes: expected rows and 1 to ${dim} axes, got ${rows} and ${count}`,
    )
  }
  const { mean, matrix: shifted } = centred(matrix)
  const covariance = Float64Matrix.from1DArray(dim, dim, crossProduct(shifted, shifted)).div(rows)
  // ml-matrix sorts symmetric eigenvalues ascending.
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(covariance, {
    assumeSymmetric: true,
  })
  const columns = Array.from({ length: count }, (_, i) => dim - 1 - i)
  const axes = columns.flatMap((column) => oriented(eigenvectorMatrix.getColumn(column)))
  return {
    mean,
    axes: { rows: count, dim, data: Float32Array.from(axes) },
    variances: Float64Array.from(columns, (c) => Math.max(0, realEigenvalues[c] as number)),
  }
}
