import type { Clustering } from './clustering.ts'
import { defaultTrustOptions, type TrustOptions } from './options.ts'

/** What trust looks at. */
export type TrustInput = Pick<
  Clustering,
  'k' | 'labels' | 'counts' | 'similarity' | 'margin' | 'minSize'
>

/** Value that `share` of the values lie below, or fewer where values repeat. */
function lowestShare(values: Float32Array, share: number): number {
  // 0.15 · 20 is 3 but for rounding.
  const below = Math.floor(share * values.length + 1e-9)
  return values.toSorted()[Math.min(below, values.length - 1)] as number
}

/** Similarity at the rim of each cluster, shape [k]. */
function rims({ k, labels, counts, similarity }: TrustInput, radiusShare: number): Float32Array {
  const members = Array.from(counts, (count) => new Float32Array(count))
  const filled = new Int32Array(k)
  labels.forEach((label, i) => {
    const at = filled[label] as number
    filled[label] = at + 1
    const own = members[label] as Float32Array
    own[at] = similarity[i] as number
  })
  return Float32Array.from(members, (own) => lowestShare(own, 1 - radiusShare))
}

/**
 * Which images are sure enough of their cluster to be trained on; k-means itself knows no noise.
 *
 * Left out are images between two clusters (the lowest margins), images outside the radius of
 * their cluster, and all of a cluster that is too small. Of images that tie at a limit none is.
 *
 * @param clustering - One of `cluster`, or images placed in one.
 * @param options - See {@link TrustOptions}.
 * @returns 1 for a trusted image, else 0, shape [n].
 */
export function trustImages(clustering: TrustInput, options: TrustOptions = {}): Uint8Array {
  const { labels, counts, similarity, margin } = clustering
  const { marginDrop, radiusShare, minSize } = {
    ...defaultTrustOptions,
    minSize: clustering.minSize,
    ...options,
  }
  const leastMargin = lowestShare(margin, marginDrop)
  const rim = rims(clustering, radiusShare)
  return Uint8Array.from(labels, (label, i) =>
    Number(
      (margin[i] as number) >= leastMargin &&
        (similarity[i] as number) >= (rim[label] as number) &&
        (counts[label] as number) >= minSize,
    ),
  )
}
