import type { Matrix } from '../engine/matrix.ts'
import type { BlockOptions } from './options.ts'
import { retrieval } from './retrieval.ts'

/**
 * Recall@K: the share of rows with one of their class among the K most similar others, ties
 * counted against. {@link retrieval} gives it together with the other figures.
 *
 * @param embeddings - Shape [n, dim].
 * @param labels - Class of each row, shape [n].
 * @param ks - Integers ≥ 1.
 * @returns One share for each of `ks`, in their order, range [0, 1]; NaN without a query.
 */
export async function recallAtK(
  embeddings: Matrix,
  labels: Int32Array,
  ks: readonly number[],
  options: BlockOptions = {},
): Promise<number[]> {
  const { recallAt } = await retrieval(embeddings, labels, { ...options, ks })
  return ks.map((k) => recallAt[k] as number)
}
