import { expectShape } from '../engine/shape.ts'
import { type Tensor1D, type Tensor2D, tf } from '../engine/tf.ts'
import { assign } from './assign.ts'
import type { FitProgress } from './clustering.ts'
import { memberMeans } from './member-means.ts'
import { defaultKMeansOptions, type KMeansOptions } from './options.ts'

/** The state after one assignment and update. */
export interface KMeansIteration extends FitProgress {
  /** Cluster of each embedding, shape [n], int32. Disposed when the generator goes on. */
  readonly labels: Tensor1D
  /** Unit means of those clusters, shape [dim, k]. Disposed when the generator goes on. */
  readonly centroids: Tensor2D
  /** Whether nothing follows: hardly any embedding moved, or the iterations are used up. */
  readonly isLast: boolean
}

interface Pass {
  readonly labels: Tensor1D
  readonly centroids: Tensor2D
  /** Sum of similarities and embeddings that moved, shape [2]. */
  readonly figures: Tensor1D
}

function pass(
  embeddings: Tensor2D,
  centroids: Tensor2D,
  before: Tensor1D | undefined,
  options: KMeansOptions,
): Pass {
  return tf.tidy(() => {
    const labels = assign(embeddings, centroids, options) // [n]
    const means = memberMeans(embeddings, labels, centroids)
    const moved = before
      ? tf.sum(tf.cast(tf.notEqual(labels, before), 'float32')) // []
      : tf.scalar(embeddings.shape[0])
    const figures = tf.stack([tf.sum(means.lengths), moved]) as Tensor1D // [2]
    return { labels, centroids: means.centroids, figures }
  })
}

/**
 * Spherical k-means, iteration by iteration: each embedding joins its most similar centroid, then
 * each centroid becomes the unit mean of its members. A centroid without members stays where it is.
 *
 * @param embeddings - Shape [n, dim], float32, unit-norm rows, n ≥ 1.
 * @param centroids - Where to start, shape [dim, k], unit-norm columns.
 * @param options - See {@link KMeansOptions}.
 * @returns One {@link KMeansIteration} after another; its tensors belong to the generator.
 * @throws {@link ShapeError} if the two dims differ.
 * @see Dhillon, Modha (2001), Concept decompositions for large sparse text data.
 * @example
 * for await (const { iteration, inertia, moved } of kMeans(embeddings, seeds)) show(inertia)
 */
export async function* kMeans(
  embeddings: Tensor2D,
  centroids: Tensor2D,
  options: KMeansOptions = {},
): AsyncGenerator<KMeansIteration, void, undefined> {
  const [n, dim] = embeddings.shape
  expectShape('kMeans', 'centroids', centroids, [dim, null])
  const { maxIterations, tolerance } = { ...defaultKMeansOptions, ...options }
  let state: Omit<Pass, 'labels'> & { labels?: Tensor1D } = pass(
    embeddings,
    centroids,
    undefined,
    options,
  )
  try {
    for (let iteration = 1; ; iteration += 1) {
      const { labels, centroids: means, figures } = state as Pass
      const [similarity = 0, moved = 0] = await figures.data()
      const isLast = iteration >= maxIterations || moved <= tolerance * n
      // |x − c|² = 2 − 2·x·c for unit x and c; rounding may bring the sum just above n.
      const inertia = Math.max(0, 2 * (n - similarity))
      yield { iteration, labels, centroids: means, inertia, moved, isLast }
      if (isLast) return
      state = pass(embeddings, means, labels, options)
      tf.dispose([labels, means, figures])
    }
  } finally {
    tf.dispose(state as unknown as Record<string, Tensor1D>)
  }
}
