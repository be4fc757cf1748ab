/** A run of rows: the first one and how many. */
export type Chunk = readonly [start: number, rows: number]

/**
 * The rows in runs, so that a product with `columns` columns stays within `chunkBytes`.
 *
 * @param n - Rows, ≥ 0.
 * @param columns - Columns of the product, float32.
 * @param chunkBytes - Bytes of one product at most, but one row at least.
 */
export function chunks(n: number, columns: number, chunkBytes: number): Chunk[] {
  const rows = Math.max(1, Math.floor(chunkBytes / (4 * columns)))
  const count = Math.ceil(n / rows)
  return Array.from({ length: count }, (_, i) => [i * rows, Math.min(rows, n - i * rows)])
}
