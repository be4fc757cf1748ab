import { expectShape } from '../engine/shape.ts'
import { type Tensor1D, type Tensor2D, tf } from '../engine/tf.ts'

/** Sums shorter than this have no direction: the cluster is empty, or its members cancel out. */
const shortestSum = 1e-6

/**
 * The unit mean of each cluster's members: the centroid that fits them best.
 *
 * One scatter-add, on every engine as fast as reading the embeddings; the product with a one-hot
 * matrix that could stand here costs as much as the assignment itself.
 *
 * @param embeddings - Shape [n, dim], float32, unit-norm rows.
 * @param labels - Cluster of each row, shape [n], int32, range [0, k).
 * @param before - Centroids that a cluster without a mean keeps, shape [dim, k].
 * @returns Centroids, shape [dim, k], unit-norm columns, and the length of each sum of members,
 *   shape [k]: it equals the sum of their similarities. The caller disposes both.
 * @throws {@link ShapeError} if the shapes do not fit each other.
 */
export function memberMeans(
  embeddings: Tensor2D,
  labels: Tensor1D,
  before: Tensor2D,
): { centroids: Tensor2D; lengths: Tensor1D } {
  const [n, dim] = embeddings.shape
  expectShape('memberMeans', 'labels', labels, [n])
  expectShape('memberMeans', 'before', before, [dim, null])
  const k = before.shape[1]
  return tf.tidy(() => {
    const sums = tf.scatterND(tf.expandDims(labels, 1), embeddings, [k, dim]) // [k, dim]
    const columns = tf.transpose(sums) as Tensor2D // [dim, k]
    const lengths = tf.norm(columns, 2, 0) as Tensor1D // [k]
    const means = tf.div(columns, tf.maximum(lengths, shortestSum)) // [dim, k]
    const hasMean = tf.broadcastTo(tf.greater(lengths, shortestSum), [dim, k]) // [dim, k]
    return { centroids: tf.where(hasMean, means, before) as Tensor2D, lengths }
  })
}
