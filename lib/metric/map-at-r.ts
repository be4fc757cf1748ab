import type { Matrix } from '../engine/matrix.ts'
import type { BlockOptions } from './options.ts'
import { retrieval } from './retrieval.ts'

/**
 * MAP@R, the headline figure: average precision of the R nearest others of each row, R the number
 * of others in its class. {@link retrieval} gives it together with the other figures.
 *
 * @param embeddings - Shape [n, dim].
 * @param labels - Class of each row, shape [n].
 * @returns Mean over rows with R > 0, range [0, 1]; NaN without one.
 */
export async function mapAtR(
  embeddings: Matrix,
  labels: Int32Array,
  options: BlockOptions = {},
): Promise<number> {
  return (await retrieval(embeddings, labels, { ...options, ks: [1] })).mapAtR
}
