import { expectShape } from '../engine/shape.ts'
import { type Tensor1D, type Tensor2D, tf } from '../engine/tf.ts'
import { chunks } from './chunks.ts'
import { type ChunkOptions, defaultChunkOptions } from './options.ts'

/** Below every cosine: takes an image's own centroid out of the running. */
const outOfTheRunning = -4

/**
 * How well each embedding sits in its cluster.
 *
 * @param embeddings - Shape [n, dim], float32, unit-norm rows.
 * @param centroids - Shape [dim, k], unit-norm columns.
 * @param labels - Cluster of each embedding, shape [n], int32, range [0, k).
 * @param options - See {@link ChunkOptions}.
 * @returns Similarity to its own centroid, shape [n], range [−1, 1], and that minus the highest
 *   to another one (−1 where k is 1), shape [n]. The caller disposes both.
 * @throws {@link ShapeError} if the shapes do not fit each other.
 */
export function margins(
  embeddings: Tensor2D,
  centroids: Tensor2D,
  labels: Tensor1D,
  options: ChunkOptions = {},
): { similarity: Tensor1D; margin: Tensor1D } {
  const [n, dim] = embeddings.shape
  expectShape('margins', 'centroids', centroids, [dim, null])
  expectShape('margins', 'labels', labels, [n])
  const { chunkBytes } = { ...defaultChunkOptions, ...options }
  const k = centroids.shape[1]
  return tf.tidy(() => {
    const rows = tf.transpose(centroids) // [k, dim]
    // Three matrices of a chunk's size stand at once, hence chunks of half that size.
    const parts = chunks(n, k, chunkBytes / 2).map(([start, count]) =>
      tf.tidy(() => {
        const chunk = tf.slice(embeddings, [start, 0], [count, dim]) // [count, dim]
        const own = tf.slice(labels, start, count) // [count]
        const similarity = tf.sum(tf.mul(chunk, tf.gather(rows, own)), 1) // [count]
        // Not by the values of oneHot: on wasm they are the bits of integers, and k must be ≥ 2.
        const index = tf.range(0, k, 1, 'int32') // [k]
        const isOwn = tf.cast(tf.equal(tf.expandDims(own, 1), index), 'float32') // [count, k]
        const handicap = tf.mul(isOwn, outOfTheRunning) // [count, k]
        const others = tf.add(tf.matMul(chunk, centroids), handicap) // [count, k]
        const second = tf.maximum(tf.max(others, 1), -1) // [count]
        return [similarity, tf.sub(similarity, second)] as [Tensor1D, Tensor1D]
      }),
    )
    return {
      similarity: tf.concat1d(parts.map(([similarity]) => similarity)), // [n]
      margin: tf.concat1d(parts.map(([, margin]) => margin)), // [n]
    }
  })
}
