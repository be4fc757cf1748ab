import { type Tensor2D, tf } from '../engine/tf.ts'
import type { Fit, FitProgress } from './clustering.ts'
import { kMeans } from './k-means.ts'
import type { KMeansOptions } from './options.ts'
import { isSmall, smallKMeans } from './small-k-means.ts'

/**
 * Runs k-means to its end: `ml-kmeans` on the smallest sets, the engine on all others.
 *
 * @param embeddings - Shape [n, dim], unit-norm rows, n ≥ k.
 * @param centroids - Where to start, shape [dim, k], unit-norm columns.
 * @param options - See {@link KMeansOptions}.
 * @param report - Called after each iteration on the engine; awaited.
 * @returns See {@link Fit}. The caller disposes its tensor.
 */
export async function converge(
  embeddings: Tensor2D,
  centroids: Tensor2D,
  options: KMeansOptions = {},
  report?: (progress: FitProgress) => unknown,
): Promise<Fit> {
  const [n, dim] = embeddings.shape
  if (isSmall(n, dim, centroids.shape[1])) return smallKMeans(embeddings, centroids, options)
  let last: Fit | undefined
  for await (const state of kMeans(embeddings, centroids, options)) {
    const { iteration, inertia, moved } = state
    await report?.({ iteration, inertia, moved })
    if (state.isLast) {
      const labels = (await state.labels.data()) as Int32Array
      last = { labels, centroids: tf.clone(state.centroids), iterations: iteration }
    }
  }
  return last as Fit // the last iteration always comes
}
