import type { Matrix } from '../../lib/engine/matrix.ts'
import { randomStream } from '../../lib/engine/random.ts'

/** A matrix from nested lists. */
export function rowsOf(rows: readonly (readonly number[])[]): Matrix {
  return { rows: rows.length, dim: rows[0]?.length ?? 0, data: Float32Array.from(rows.flat()) }
}

/** Normal random rows of unit length. */
export function unitRows(rows: number, dim: number, seed: number): Matrix {
  const random = randomStream(seed, 'rows')
  const list = Array.from({ length: rows }, () => {
    const row = Array.from({ length: dim }, () => random.normal())
    const norm = Math.hypot(...row)
    return row.map((value) => value / norm)
  })
  return rowsOf(list)
}

/** Every row the same. */
export function collapsedRows(rows: number, dim: number): Matrix {
  const one = unitRows(1, dim, 99).data
  const data = new Float32Array(rows * dim)
  for (let row = 0; row < rows; row += 1) data.set(one, row * dim)
  return { rows, dim, data }
}

/** Unit rows around one random centre a class; row i belongs to class i mod classes. */
export function clusteredRows(rows: number, dim: number, classes: number, noise: number): Matrix {
  const centres = unitRows(classes, dim, 7)
  const shifts = unitRows(rows, dim, 8)
  const data = shifts.data.map(
    (value, i) =>
      value * noise + (centres.data[(Math.floor(i / dim) % classes) * dim + (i % dim)] ?? 0),
  )
  return { rows, dim, data }
}

/** Row i belongs to class i mod classes. */
export const cyclicLabels = (rows: number, classes: number): Int32Array =>
  Int32Array.from({ length: rows }, (_, i) => i % classes)

/** The rows as nested lists. */
export function listOf({ rows, dim, data }: Matrix): number[][] {
  return Array.from({ length: rows }, (_, row) => [...data.subarray(row * dim, (row + 1) * dim)])
}

/** The same rows in another order. */
export function reordered(matrix: Matrix, order: readonly number[]): Matrix {
  const list = listOf(matrix)
  return rowsOf(order.map((row) => list[row] as number[]))
}

/** Cosine in float64. */
export function cosine(a: readonly number[], b: readonly number[]): number {
  const product = (x: readonly number[], y: readonly number[]) =>
    x.reduce((sum, value, i) => sum + value * (y[i] as number), 0)
  return product(a, b) / Math.sqrt(product(a, a) * product(b, b))
}
