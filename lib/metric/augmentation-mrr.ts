import type { Matrix } from '../engine/matrix.ts'
import { InputError } from '../errors.ts'
import { type BlockOptions, defaultBlockOptions } from './options.ts'
import { expectLength } from './rows.ts'
import { similarityBlocks } from './similarity-blocks.ts'

/**
 * Whether a hard augmented view still finds its own image: reciprocal rank of the source among
 * the plain views of all images. Label-free; a primary of the gate.
 *
 * @param queries - Augmented views, centred, shape [views, dim].
 * @param gallery - Plain views, one an image, centred, shape [n, dim].
 * @param sources - Gallery row that each query shows, range [0, n), shape [views].
 * @returns 1/rank per query, range (0, 1], shape [views]. Ties count against: in a collapsed space
 *   every rank is n. Its mean is the MRR.
 * @throws {@link ShapeError} if shapes do not fit; {@link InputError} if a source is no row.
 */
export async function augmentationMrr(
  queries: Matrix,
  gallery: Matrix,
  sources: Int32Array,
  options: BlockOptions = defaultBlockOptions,
): Promise<Float32Array> {
  const { rows: n } = gallery
  expectLength('augmentationMrr', 'sources', sources.length, queries.rows)
  const wrong = sources.find((source) => source < 0 || source >= n)
  if (wrong !== undefined) {
    throw new InputError(
      `augmentationMrr: sources must be rows of the gallery, got ${wrong} of ${n}`,
    )
  }
  const result = new Float32Array(queries.rows)
  for await (const { first, rows, similarities } of similarityBlocks(queries, gallery, options)) {
    for (let row = 0; row < rows; row += 1) {
      const own = similarities[row * n + (sources[first + row] as number)] as number
      let rank = 0 // the source itself is counted
      for (let i = row * n; i < (row + 1) * n; i += 1)
        rank += Number((similarities[i] as number) >= own)
      result[first + row] = 1 / rank
    }
  }
  return result
}
