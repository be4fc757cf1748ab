import type { Clustering } from './clustering.ts'
import type { IdentityEvent, MatchedIdentities } from './identity.ts'

/** Spread of a set of numbers, at the shares .05, .25, .5, .75 and .95. */
export type Quantiles = readonly [number, number, number, number, number]

/** What is logged of a clustering; numbers only. */
export interface ClusterStatistics {
  readonly images: number
  readonly inertia: number
  readonly iterations: number
  readonly alive: number
  readonly dead: number
  readonly sizeMin: number
  readonly sizeMedian: number
  readonly sizeMax: number
  /** Inequality of the sizes, [0, 1): 0 when all are equal. */
  readonly gini: number
  /** Of the margins, see `Clustering.margin`. */
  readonly margins: Quantiles
  /** Clusters that repair dissolved and split. */
  readonly dissolved: number
  readonly split: number
  /** Share of images that are not trained on. */
  readonly untrusted: number
  /** Share of images with a duplicate in another cluster; those pairs are ignored. */
  readonly ignored: number
  /** Share of images whose identity changed. */
  readonly churn?: number
  /** Normalised mutual information with the round before. */
  readonly nmi?: number
  readonly births?: number
  readonly deaths?: number
  readonly splits?: number
  readonly merges?: number
  readonly seconds?: number
}

/** What the clustering itself does not know. */
export interface StatisticsOptions {
  /** Duplicate group of each image, shape [n]. Absent: no image has a duplicate. */
  readonly groups?: Int32Array
  /** Outcome of `matchIdentities`. Absent: churn and events are left out. */
  readonly matched?: Pick<MatchedIdentities, 'events' | 'churn'>
  /** Normalised mutual information with the round before, [0, 1]. */
  readonly nmi?: number
  /** Time that the clustering took, s. */
  readonly seconds?: number
}

/** Of sorted values, linear between them. */
function quantile(sorted: ArrayLike<number>, share: number): number {
  const at = share * (sorted.length - 1)
  const low = sorted[Math.floor(at)] as number
  const high = sorted[Math.ceil(at)] as number
  return low + (high - low) * (at - Math.floor(at))
}

/** Mean difference of two of the sorted sizes, over twice their mean. */
function gini(sorted: Int32Array): number {
  const total = sorted.reduce((sum, size) => sum + size, 0)
  const weighted = sorted.reduce((sum, size, i) => sum + (i + 1) * size, 0)
  return (2 * weighted) / (sorted.length * total) - (sorted.length + 1) / sorted.length
}

/** Share of images whose duplicate group lies in several clusters. */
function ignoredShare(labels: Int32Array, groups: Int32Array): number {
  const first = new Map<number, number>()
  const parted = new Set<number>()
  groups.forEach((group, i) => {
    const label = labels[i] as number
    if (!first.has(group)) first.set(group, label)
    else if (first.get(group) !== label) parted.add(group)
  })
  return groups.reduce((sum, group) => sum + Number(parted.has(group)), 0) / labels.length
}

function eventCounts(events: readonly IdentityEvent[]) {
  const count = (kind: IdentityEvent['kind']) => events.filter((e) => e.kind === kind).length
  return {
    births: count('birth'),
    deaths: count('death'),
    splits: count('split'),
    merges: count('merge'),
  }
}

/**
 * What is logged of a clustering. High agreement with the round before alone proves nothing:
 * labels may only confirm themselves.
 *
 * @param clustering - One of `cluster`.
 * @param trusted - 1 for each trusted image, shape [n].
 * @param options - See {@link StatisticsOptions}.
 */
export function clusterStatistics(
  clustering: Clustering,
  trusted: Uint8Array,
  options: StatisticsOptions = {},
): ClusterStatistics {
  const { k, requested, labels, counts, margin, inertia, iterations, repaired } = clustering
  const { groups, matched, ...given } = options
  const sizes = counts.toSorted()
  const spread = margin.toSorted()
  const images = labels.length
  return {
    images,
    inertia,
    iterations,
    alive: k,
    dead: requested - k,
    sizeMin: quantile(sizes, 0),
    sizeMedian: quantile(sizes, 0.5),
    sizeMax: quantile(sizes, 1),
    gini: gini(sizes),
    margins: [0.05, 0.25, 0.5, 0.75, 0.95].map((share) =>
      quantile(spread, share),
    ) as unknown as Quantiles,
    ...repaired,
    untrusted: 1 - trusted.reduce((sum, one) => sum + one, 0) / images,
    ignored: groups ? ignoredShare(labels, groups) : 0,
    ...given,
    ...(matched ? { churn: matched.churn, ...eventCounts(matched.events) } : {}),
  }
}
