import type { Matrix } from '../engine/matrix.ts'
import { expectTwins } from './rows.ts'

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
export function crossProduct(a: Matrix, b: Matrix): Float64Array {
  expectTwins('crossProduct', a, b, false)
  const [p, q] = [a.dim, b.dim]
  const sums = new Float64Array(p * q)
  const padded = (m: Matrix, row: number, i: number) =>
    row < m.rows ? (m.data[row * m.dim + i] as number) : 0
  const block = new Float64Array(4 * q)
  for (let row = 0; row < a.rows; row += 4) {
    for (let i = 0; i < 4 * q; i += 1) block[i] = padded(b, row + Math.floor(i / q), i % q)
    for (let i = 0; i < p; i += 1) {
      const a0 = padded(a, row, i)
      const a1 = padded(a, row + 1, i)
      const a2 = padded(a, row + 2, i)
      const a3 = padded(a, row + 3, i)
      const start = i * q
      for (let j = 0; j < q; j += 1) {
        sums[start + j] =
          (sums[start + j] as number) +
          (a0 * (block[j] as number) +
            a1 * (block[q + j] as number) +
            a2 * (block[2 * q + j] as number) +
            a3 * (block[3 * q + j] as number))
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
