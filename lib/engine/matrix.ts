/**
 * Rows of numbers outside the engine, row-major.
 *
 * What crosses module, thread and file borders where inside the mathematics a tensor stands.
 */
export interface Matrix {
  readonly rows: number
  readonly dim: number
  /** Shape [rows, dim], float32. */
  readonly data: Float32Array
}
