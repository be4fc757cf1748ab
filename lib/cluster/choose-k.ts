/** Images of a cluster that suit a pair loss: more clusters make false negatives. */
const imagesPerCluster = 20
const leastClusters = 8
const leastPerCluster = 8
/** Change of the number of images, as a share, that k outlives. */
const heldUntil = 0.25

/** A k in use, and for how many images it was chosen. */
export interface ChosenK {
  readonly k: number
  readonly n: number
}

/**
 * Number of clusters: a twentieth of the images, at least 8, with at least 8 images each.
 *
 * @param n - Images to cluster, ≥ 1.
 * @param previous - The k of the round before; kept until n has changed by a quarter.
 * @returns An integer ≥ 1; 1 only below 4 images.
 */
export function chooseK(n: number, previous?: ChosenK): number {
  if (previous && Math.abs(n - previous.n) < heldUntil * previous.n) return previous.k
  const wanted = Math.max(Math.round(n / imagesPerCluster), leastClusters)
  // Below 16 images the rule would give one cluster, from which no pair loss learns.
  const most = Math.max(Math.floor(n / leastPerCluster), n < 4 ? 1 : 2)
  return Math.min(wanted, most)
}
