import { kmeans } from 'ml-kmeans'
import { type Tensor2D, tf } from '../engine/tf.ts'
import type { Fit } from './clustering.ts'
import { defaultKMeansOptions, type KMeansOptions } from './options.ts'

/** Embeddings up to which `ml-kmeans` may serve. */
const mostRows = 2_000
/** Multiply-adds of an iteration, about a millisecond's work, up to which its loops keep up. */
const mostWork = 1_000_000

/**
 * Whether a set is so small that the engine's overhead outweighs its speed.
 *
 * Measured on two cores: even at 500 × 64 with k = 25; seven times slower at 120 × 1,280, k = 8.
 */
export function isSmall(n: number, dim: number, k: number): boolean {
  return n <= mostRows && n * dim * k <= mostWork
}

/**
 * k-means by `ml-kmeans`, from given centroids, its result brought back to the unit sphere.
 *
 * Inside it is Euclidean: a centroid is the mean, not the unit mean, of its members.
 *
 * @param embeddings - Shape [n, dim], unit-norm rows, n ≥ k.
 * @param centroids - Where to start, shape [dim, k], unit-norm columns.
 * @param options - See {@link KMeansOptions}; chunks and tolerance do not apply.
 * @returns See {@link Fit}. The caller disposes its tensor.
 */
export async function smallKMeans(
  embeddings: Tensor2D,
  centroids: Tensor2D,
  options: KMeansOptions = {},
): Promise<Fit> {
  const { maxIterations } = { ...defaultKMeansOptions, ...options }
  const transposed = tf.transpose(centroids) as Tensor2D // [k, dim]
  const [rows, initialization] = await Promise.all([embeddings.array(), transposed.array()])
  transposed.dispose()
  const result = kmeans(rows, initialization.length, { initialization, maxIterations })
  return {
    labels: Int32Array.from(result.clusters),
    centroids: tf.tidy(() => {
      const columns = tf.transpose(tf.tensor2d(result.centroids)) // [dim, k]
      return tf.div(columns, tf.maximum(tf.norm(columns, 2, 0), 1e-12)) as Tensor2D // [dim, k]
    }),
    iterations: result.iterations,
  }
}
