/** Settings of {@link exactIndex}. */
export interface IndexOptions {
  /** Vectors at most, ≥ 1; beyond it the ones added first leave. Default 200,000. */
  readonly maxVectors?: number
}
/** Defaults of {@link IndexOptions}: 200 MB of vectors of 128 numbers, held twice. */
export const defaultIndexOptions: Required<IndexOptions> = { maxVectors: 200_000 }

/** Rows of a stored block at most: it is written again until it is full. */
export const blockRows = 8_192
