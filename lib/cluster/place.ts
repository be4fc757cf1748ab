import type { Matrix } from '../engine/matrix.ts'
import { tf } from '../engine/tf.ts'
import { assign } from './assign.ts'
import { margins } from './margins.ts'

/** Where rows lie in a clustering that was made without them. */
export interface Placed {
  /** Nearest centroid of each row, shape [n]. */
  readonly labels: Int32Array
  /** Cosine with it, shape [n], range [−1, 1]. */
  readonly similarity: Float32Array
  /** That minus the highest cosine with another centroid, shape [n]. */
  readonly margin: Float32Array
}

/**
 * Places rows in a clustering.
 *
 * @param vectors - Centred on the clustering's mean, unit rows, shape [n, dim], n ≥ 1.
 * @param centroids - Unit rows, shape [k, dim].
 * @throws {@link ShapeError} if the two dims differ.
 */
export async function placeRows(vectors: Matrix, centroids: Matrix): Promise<Placed> {
  const tensors = tf.tidy(() => {
    const rows = tf.tensor2d(vectors.data, [vectors.rows, vectors.dim]) // [n, dim]
    const kept = tf.tensor2d(centroids.data, [centroids.rows, centroids.dim]) // [k, dim]
    const columns = tf.transpose(kept) as typeof kept // [dim, k]
    const labels = assign(rows, columns) // [n]
    return { labels, ...margins(rows, columns, labels) }
  })
  try {
    return {
      labels: Int32Array.from(await tensors.labels.data()),
      similarity: Float32Array.from(await tensors.similarity.data()),
      margin: Float32Array.from(await tensors.margin.data()),
    }
  } finally {
    tf.dispose(tensors)
  }
}
