import type { Matrix } from '../engine/matrix.ts'
import { type Tensor2D, tf } from '../engine/tf.ts'
import { ShapeError } from '../errors.ts'
import { exactRows, exactScale } from './exact-rows.ts'
import { type BlockOptions, defaultBlockOptions } from './options.ts'

/** Similarities of some consecutive queries to the whole gallery. */
export interface SimilarityBlock {
  /** First query of the block. */
  readonly first: number
  /** Number of queries in the block. */
  readonly rows: number
  /**
   * Similarity of each query to each gallery row, shape [rows, gallery.rows], up to `unit`. Equal
   * rows have equal similarities, to the bit, whatever block, column or engine they come from.
   * The receiver owns the array.
   */
  readonly similarities: Float32Array
  /** What makes a similarity a cosine: cosine = similarity · unit. Close to 1. */
  readonly unit: number
}

/** Rows of a block: three tensors of half of `chunkBytes` live at once, at most. */
export function rowsPerBlock(galleryRows: number, chunkBytes: number): number {
  return Math.max(1, Math.floor(chunkBytes / (8 * galleryRows)))
}

function multiplied(high: Tensor2D, low: Tensor2D, highT: Tensor2D, lowT: Tensor2D): Tensor2D {
  const small = tf.tidy(() => tf.add(tf.matMul(high, lowT), tf.matMul(low, highT))) // [rows, n]
  const sum = tf.tidy(() => tf.add<Tensor2D>(tf.matMul(high, highT), small)) // [rows, n]
  small.dispose()
  return sum
}

/**
 * Cosine similarities of all queries to all gallery rows, block by block, exact up to one final
 * rounding (see {@link ExactRows}): rankings do not depend on the size of a block.
 *
 * Memory beside the arguments: 8·n·dim bytes for the gallery on the engine, and at most
 * 2·`chunkBytes` for a block and its copy outside.
 *
 * @param queries - Shape [rows, dim]; rows need not have unit norm, a zero row is similar to none.
 * @param gallery - Shape [n, dim].
 * @throws {@link ShapeError} if the dims differ; {@link InputError} if a number is not finite.
 */
export async function* similarityBlocks(
  queries: Matrix,
  gallery: Matrix,
  options: BlockOptions = {},
): AsyncGenerator<SimilarityBlock, void, void> {
  const { chunkBytes, report } = { ...defaultBlockOptions, ...options }
  const { dim } = gallery
  if (queries.dim !== dim) {
    throw new ShapeError(
      `similarityBlocks: queries must have ${dim} numbers a row, got ${queries.dim}`,
    )
  }
  if (queries.rows === 0 || gallery.rows === 0) return
  const step = rowsPerBlock(gallery.rows, chunkBytes)
  const parts = exactRows(gallery, 0, gallery.rows, true)
  const highT = tf.tensor2d(parts.high, [dim, gallery.rows]) // [dim, n]
  const lowT = tf.tensor2d(parts.low, [dim, gallery.rows]) // [dim, n]
  try {
    for (let first = 0; first < queries.rows; first += step) {
      const rows = Math.min(step, queries.rows - first)
      const block = tf.tidy(() => {
        const { high, low } = exactRows(queries, first, rows, false)
        const shape: [number, number] = [rows, dim]
        return multiplied(tf.tensor2d(high, shape), tf.tensor2d(low, shape), highT, lowT) // [rows, n]
      })
      const similarities = (await block.data()) as Float32Array
      block.dispose()
      yield { first, rows, similarities, unit: exactScale(dim) ** -2 }
      report?.(first + rows, queries.rows)
    }
  } finally {
    tf.dispose([highT, lowT])
  }
}
