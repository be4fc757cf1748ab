import { type Tensor2D, tf } from '../engine/tf.ts'
import { memberMeans } from './member-means.ts'

/** The `k` clusters with the most members, in their old order; empty ones never. */
function largest(labels: Int32Array, k: number): number[] {
  const counts = new Map<number, number>()
  for (const label of labels) {
    if (label >= 0) counts.set(label, (counts.get(label) ?? 0) + 1)
  }
  const bySize = [...counts].sort(([a, sizeA], [b, sizeB]) => sizeB - sizeA || a - b)
  return bySize
    .slice(0, k)
    .map(([label]) => label)
    .sort((a, b) => a - b)
}

/**
 * Where a warm start begins: the assignment is carried over, not the coordinates, since the model
 * has moved in between.
 *
 * @param embeddings - Of the new model, shape [n, dim], unit-norm rows.
 * @param labels - Old cluster of each image, shape [n]; negative for an image without one.
 * @param k - Clusters at most; of more the smallest ones are dropped.
 * @returns Unit means of the old members, shape [dim, at most k]; the caller disposes it.
 *   `undefined` if no image has an old cluster.
 */
export function carriedCentroids(
  embeddings: Tensor2D,
  labels: Int32Array,
  k: number,
): Tensor2D | undefined {
  const kept = largest(labels, k)
  if (kept.length === 0) return undefined
  const columns = new Map(kept.map((label, column) => [label, column]))
  const rows: number[] = []
  labels.forEach((label, row) => {
    if (columns.has(label)) rows.push(row)
  })
  const placed = rows.map((row) => columns.get(labels[row] as number) as number)
  return tf.tidy(() => {
    const carried = tf.gather(embeddings, tf.tensor1d(rows, 'int32')) // [carried, dim]
    const nowhere = tf.zeros([embeddings.shape[1], kept.length]) as Tensor2D // [dim, k]
    return memberMeans(carried, tf.tensor1d(placed, 'int32'), nowhere).centroids // [dim, k]
  })
}
