import { expectShape } from '../engine/shape.ts'
import { type Tensor1D, type Tensor2D, tf } from '../engine/tf.ts'
import { chunks } from './chunks.ts'
import { type ChunkOptions, defaultChunkOptions } from './options.ts'

/**
 * Pseudo-label of each embedding: the index of its most similar centroid.
 *
 * @param embeddings - Centred model output, shape [n, dim], float32, unit-norm rows, n ≥ 1.
 * @param centroids - Cluster centres, shape [dim, k], float32, unit-norm columns.
 * @param options - See {@link ChunkOptions}.
 * @returns Labels in [0, k), ties to the lowest, shape [n], int32. The caller disposes it.
 * @throws {@link ShapeError} if the two dims differ.
 */
export function assign(
  embeddings: Tensor2D,
  centroids: Tensor2D,
  options: ChunkOptions = {},
): Tensor1D {
  const [n, dim] = embeddings.shape
  expectShape('assign', 'centroids', centroids, [dim, null])
  const { chunkBytes } = { ...defaultChunkOptions, ...options }
  return tf.tidy(() => {
    const labels = chunks(n, centroids.shape[1], chunkBytes).map(([start, rows]) =>
      tf.tidy(() => {
        const chunk = tf.slice(embeddings, [start, 0], [rows, dim]) // [rows, dim]
        // Kept as [dim, k]: a transposed product is the slow path of an engine.
        const similarities = tf.matMul(chunk, centroids) // [rows, k]
        return tf.argMax<Tensor1D>(similarities, 1) // [rows]
      }),
    )
    return tf.concat1d(labels) // [n]
  })
}
