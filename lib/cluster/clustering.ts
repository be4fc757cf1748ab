import type { Matrix } from '../engine/matrix.ts'
import type { Tensor2D } from '../engine/tf.ts'

/** Where k-means came to rest. */
export interface Fit {
  /** Cluster of each embedding, shape [n]. */
  readonly labels: Int32Array
  /** Unit means of the members, shape [dim, k]. */
  readonly centroids: Tensor2D
  readonly iterations: number
}

/** Where a fit stands after an iteration. */
export interface FitProgress {
  /** From 1. */
  readonly iteration: number
  /** Sum of squared distances of the embeddings to their centroids. */
  readonly inertia: number
  /** Embeddings whose label differs from the one before; n in the first iteration. */
  readonly moved: number
}

/** What repair did to a clustering. */
export interface RepairCounts {
  /** Clusters whose members were given to others. */
  readonly dissolved: number
  /** Clusters that were cut in two. */
  readonly split: number
}

/**
 * Images in clusters, all of them alive: every index in [0, k) has members.
 *
 * Every centroid is the unit mean of its members in the space of {@link Clustering.mean}; zero if
 * they have no direction, as when all images are equal.
 */
export interface Clustering {
  /** Number of clusters alive, in [1, n]. */
  readonly k: number
  /** Number of clusters asked for; the rest is dead. */
  readonly requested: number
  /** Cluster of each image, shape [n], range [0, k). */
  readonly labels: Int32Array
  /** Unit rows, shape [k, dim]. */
  readonly centroids: Matrix
  /** Mean that was subtracted from the embeddings before the L2 norm, shape [dim]. */
  readonly mean: Float32Array
  /** Images of each cluster, shape [k]. */
  readonly counts: Int32Array
  /** Cosine of each image with its own centroid, shape [n], range [−1, 1]. */
  readonly similarity: Float32Array
  /** That cosine minus the highest one with another centroid, shape [n], range [−2, 2]. */
  readonly margin: Float32Array
  /** Sum over the images of the squared distance to their centroid, 2 − 2·cosine each. */
  readonly inertia: number
  /** Lloyd iterations. */
  readonly iterations: number
  /** Images that a cluster needed not to be dissolved. */
  readonly minSize: number
  /** What repair did. */
  readonly repaired: RepairCounts
}
