import type { Matrix } from '../engine/matrix.ts'
import { expectTwins } from './rows.ts'

/** A {@link Matrix}, or the same in float64. */
export interface WideMatrix extends Omit<Matrix, 'data'> {
  /** Row-major, shape [rows, dim]. */
  readonly data: Float32Array | Float64Array
}

/** Columns of `a` at once: their sums, 32·q float64, stay in the cache. */
const columnsAtOnce = 32

/** Four consecutive rows in float64, zeros behind the last one; shape [4, dim]. */
function fourRows({ rows, dim, data }: WideMatrix, row: number, into: Float64Array): void {
  into.fill(0)
  into.set(data.subarray(row * dim, Math.min(row + 4, rows) * dim))
}

/**
 * aᵀb in float64: the engines have float32 only, which blurs small singular values.
 *
 * Four rows at a time, so that each sum is read and written once for four products.
 *
 * @param a - Shape [rows, p].
 * @param b - Shape [rows, q].
 * @returns Row-major, shape [p, q].
 * @throws {@link ShapeError} if the rows differ.
 */
export function crossProduct(a: WideMatrix, b: WideMatrix): Float64Array {
  expectTwins('crossProduct', a, b, false)
  const [p, q] = [a.dim, b.dim]
  const sums = new Float64Array(p * q)
  const left = new Float64Array(4 * p)
  const right = new Float64Array(4 * q)
  for (let first = 0; first < p; first += columnsAtOnce) {
    const end = Math.min(p, first + columnsAtOnce)
    for (let row = 0; row < a.rows; row += 4) {
      fourRows(a, row, left)
      fourRows(b, row, right)
      for (let i = first; i < end; i += 1) {
        const a0 = left[i] as number
        const a1 = left[p + i] as number
        const a2 = left[2 * p + i] as number
        const a3 = left[3 * p + i] as number
        const start = i * q
        for (let j = 0; j < q; j += 1) {
          sums[start + j] =
            (sums[start + j] as number) +
            (a0 * (right[j] as number) +
              a1 * (right[q + j] as number) +
              a2 * (right[2 * q + j] as number) +
              a3 * (right[3 * q + j] as number))
        }
      }
    }
  }
  return sums
}

/** The matrix with rows and columns exchanged, shape [dim, rows]. */
export function transposed({ rows, dim, data }: Matrix): Matrix {
  const result = new Float32Array(rows * dim)
  for (let row = 0; row < rows; row += 1) {
    for (let i = 0; i < dim; i += 1) result[i * rows + row] = data[row * dim + i] as number
  }
  return { rows: dim, dim: rows, data: result }
}
