import type { Matrix } from '../engine/matrix.ts'

/** What vectors were made with: only equal ones may be compared. */
export interface Stamp {
  /** Version of the model, `v<n>-<12 hex>`. */
  readonly version: string
  /** Hash of the settings by which pictures became its input. */
  readonly preprocessingHash: string
}

/** Vectors that say what they were made with. */
export interface StampedVectors extends Stamp {
  /** Unit rows, shape [n, dim]. */
  readonly vectors: Matrix
}

/** Vectors of pictures. */
export interface PictureVectors extends StampedVectors {
  /** Image id of each row. */
  readonly ids: readonly string[]
}

/** A picture that is like the one asked for. */
export interface Neighbour {
  /** Image id. */
  readonly id: string
  /** Inner product of the two unit vectors, in [−1, 1]. */
  readonly similarity: number
}
