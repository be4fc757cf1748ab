import type { Matrix } from '../../lib/engine/matrix.ts'
import { randomStream } from '../../lib/engine/random.ts'
import { type Tensor2D, tf } from '../../lib/engine/tf.ts'

/** Rows around random directions. */
export interface Blobs {
  /** Unit rows, float64. */
  readonly rows: number[][]
  /** Direction each row lies around. */
  readonly groups: number[]
}

/** A row at unit norm. */
export function unitRow(row: readonly number[]): number[] {
  const norm = Math.hypot(...row)
  return row.map((value) => value / norm)
}

/** `n` unit rows around `groups` random directions; the larger `noise`, the less they part. */
export function blobs(n: number, dim: number, groups: number, noise: number, seed = 1): Blobs {
  const random = randomStream(seed, 'blobs')
  const normals = () => Array.from({ length: dim }, () => random.normal())
  const centres = Array.from({ length: groups }, () => unitRow(normals()))
  const placed = Array.from({ length: n }, (_, i) => i % groups)
  const scale = noise / Math.sqrt(dim)
  const rows = placed.map((group) => {
    const offset = normals()
    return unitRow((centres[group] as number[]).map((c, j) => c + scale * (offset[j] as number)))
  })
  return { rows, groups: placed }
}

/** The same rows as a matrix outside the engine. */
export function toMatrix(rows: readonly (readonly number[])[]): Matrix {
  return { rows: rows.length, dim: rows[0]?.length ?? 0, data: Float32Array.from(rows.flat()) }
}

/** Centroids given as rows, in the layout of the engine, shape [dim, k]. */
export function toColumns(rows: number[][]): Tensor2D {
  return tf.tidy(() => tf.transpose(tf.tensor2d(rows)))
}

/** Whether two labellings part the images alike, whatever the clusters are called. */
export function isSamePartition(a: ArrayLike<number>, b: ArrayLike<number>): boolean {
  const pairs = new Set(Array.from(a, (label, i) => `${label} ${b[i]}`))
  return pairs.size === new Set(Array.from(a)).size && pairs.size === new Set(Array.from(b)).size
}
