import type { Matrix } from '../engine/matrix.ts'
import type { Clustering } from './clustering.ts'

/** Which stable identity each cluster of a clustering has; plain data, part of a checkpoint. */
export interface IdentitySet {
  /** The next identity that is free; none is ever given twice. */
  readonly next: number
  /** Identity of each cluster, shape [k]. */
  readonly identities: readonly number[]
  /** Unit rows, shape [k, dim]. */
  readonly centroids: Matrix
  /** Images that were clustered. */
  readonly ids: readonly string[]
  /** Cluster of each of them, range [0, k). */
  readonly labels: Int32Array
}

/** What there is before the first clustering. */
export const noIdentities: IdentitySet = {
  next: 0,
  identities: [],
  centroids: { rows: 0, dim: 0, data: new Float32Array(0) },
  ids: [],
  labels: new Int32Array(0),
}

/** The identities of a clustering, as the next one takes them over. */
export function identitySet(
  matched: Pick<IdentitySet, 'identities' | 'next'>,
  { labels, centroids }: Pick<Clustering, 'labels' | 'centroids'>,
  ids: readonly string[],
): IdentitySet {
  const { identities, next } = matched
  return { next, identities, centroids, ids, labels }
}
