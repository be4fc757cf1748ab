import { linearSumAssignment } from 'linear-sum-assignment'
import type { Clustering } from './clustering.ts'
import type { IdentitySet } from './identity-set.ts'
import { type Candidate, candidates, type Overlap, overlap } from './overlap.ts'

/** A change in the set of identities. */
export type IdentityEvent =
  /** A new identity with `images` members. */
  | { readonly kind: 'birth'; readonly identity: number; readonly images: number }
  /** A new identity, `images` of whose members come from the living identity `from`. */
  | {
      readonly kind: 'split'
      readonly identity: number
      readonly from: number
      readonly images: number
    }
  /** An identity that had `images` members and is gone. */
  | { readonly kind: 'death'; readonly identity: number; readonly images: number }
  /** An identity that is gone, `images` of whose members are now in the identity `into`. */
  | {
      readonly kind: 'merge'
      readonly identity: number
      readonly into: number
      readonly images: number
    }

/** Identities of one clustering, and what happened to those before. */
export interface MatchedIdentities {
  /** Identity of each cluster, shape [k]. */
  readonly identities: readonly number[]
  readonly next: number
  readonly events: readonly IdentityEvent[]
  /** Share of the images in both clusterings whose identity changed; 0 where none is in both. */
  readonly churn: number
}

/** How identities are matched. */
export interface IdentityOptions {
  /** Clusters above which matching is greedy: the Hungarian method is cubic. Default 2,000. */
  readonly greedyAbove?: number
}

/** Defaults of {@link IdentityOptions}. */
export const defaultIdentityOptions: Required<IdentityOptions> = { greedyAbove: 2_000 }

/** Share of a cluster's members that makes it a part, or the heir, of another one. */
const mostMembers = 0.6
/** Above the cost of every acceptable pair, which is at most 1 − ½·(−1) − ½·0.3. */
const unacceptable = 2

/** New cluster of each old one, or −1: pairs of least total cost. */
function hungarian(pairs: readonly Candidate[], before: number, after: number): Int32Array {
  if (pairs.length === 0) return new Int32Array(before).fill(-1)
  const costs = Array.from({ length: before }, () => new Float64Array(after).fill(unacceptable))
  for (const { old, fresh, cost } of pairs) (costs[old] as Float64Array)[fresh] = cost
  // Its misspelt option asks for the least cost.
  const { rowAssignments } = linearSumAssignment(costs, { maximaze: false })
  return Int32Array.from(rowAssignments, (fresh, old) =>
    fresh >= 0 && (costs[old]?.[fresh] ?? unacceptable) < unacceptable ? fresh : -1,
  )
}

/** The same, cheapest pair first. */
function greedy(pairs: readonly Candidate[], before: number): Int32Array {
  const match = new Int32Array(before).fill(-1)
  const taken = new Set<number>()
  for (const { old, fresh } of pairs.toSorted((a, b) => a.cost - b.cost)) {
    if (match[old] !== -1 || taken.has(fresh)) continue
    match[old] = fresh
    taken.add(fresh)
  }
  return match
}

/** The partner with the most shared images among `partners`, if it holds most of `size`. */
function mainPartner(
  partners: ReadonlyMap<number, number>,
  size: number,
  isMatched: (partner: number) => boolean,
): { partner: number; images: number } | undefined {
  for (const [partner, images] of partners) {
    if (images >= mostMembers * size && isMatched(partner)) return { partner, images }
  }
  return undefined
}

/** Shared images the other way round: for each new cluster, by old one. */
function inverse({ shared, sizesAfter }: Overlap): Map<number, number>[] {
  const turned = sizesAfter.map(() => new Map<number, number>())
  shared.forEach((row, old) => {
    for (const [fresh, images] of row) turned[fresh]?.set(old, images)
  })
  return turned
}

/** Births and splits of the new clusters without a partner, deaths and merges of the old ones. */
function eventsOf(
  overlap: Overlap,
  match: Int32Array,
  before: readonly number[],
  after: readonly number[],
): IdentityEvent[] {
  const matched = new Set(match)
  const begun = inverse(overlap).flatMap((partners, fresh): IdentityEvent[] => {
    if (matched.has(fresh)) return []
    const identity = after[fresh] as number
    const images = overlap.sizesAfter[fresh] as number
    const main = mainPartner(partners, images, (old) => match[old] !== -1)
    if (!main) return [{ kind: 'birth', identity, images }]
    const from = before[main.partner] as number
    return [{ kind: 'split', identity, from, images: main.images }]
  })
  const ended = overlap.shared.flatMap((partners, old): IdentityEvent[] => {
    if (match[old] !== -1) return []
    const identity = before[old] as number
    const images = overlap.sizesBefore[old] as number
    const main = mainPartner(partners, images, (fresh) => matched.has(fresh))
    if (!main) return [{ kind: 'death', identity, images }]
    const into = after[main.partner] as number
    return [{ kind: 'merge', identity, into, images: main.images }]
  })
  return [...begun, ...ended]
}

/**
 * Carries the identities of the clusters over to a new clustering.
 *
 * A pair of clusters may match when they overlap enough (Jaccard ≥ .3 on the images in both
 * clusterings) or, where hardly an image speaks for or against it, when their centroids are close
 * (cosine ≥ .8). Among those pairs the Hungarian method picks the cheapest, by overlap and
 * centroid alike. A cluster without a partner is born or split off, an identity without one dies
 * or is merged.
 *
 * @param previous - Identities so far; `noIdentities` at first.
 * @param clustering - The new clustering.
 * @param ids - Image ids, in the order of its labels, shape [n].
 * @param options - See {@link IdentityOptions}.
 * @returns See {@link MatchedIdentities}.
 * @throws {@link ShapeError} if there is not one id a label.
 */
export function matchIdentities(
  previous: IdentitySet,
  clustering: Pick<Clustering, 'k' | 'labels' | 'centroids'>,
  ids: readonly string[],
  options: IdentityOptions = {},
): MatchedIdentities {
  const { greedyAbove } = { ...defaultIdentityOptions, ...options }
  const common = overlap(previous, clustering, ids)
  const pairs = candidates(common, previous.centroids, clustering.centroids)
  const before = previous.identities.length
  const match =
    Math.max(before, clustering.k) > greedyAbove
      ? greedy(pairs, before)
      : hungarian(pairs, before, clustering.k)
  const inherited = new Map<number, number>()
  match.forEach((fresh, old) => {
    if (fresh !== -1) inherited.set(fresh, previous.identities[old] as number)
  })
  let { next } = previous
  const identities = Array.from({ length: clustering.k }, (_, fresh) => {
    const identity = inherited.get(fresh)
    if (identity !== undefined) return identity
    next += 1
    return next - 1
  })
  const kept = match.reduce((sum, fresh, old) => sum + (common.shared[old]?.get(fresh) ?? 0), 0)
  const churn = common.present === 0 ? 0 : 1 - kept / common.present
  return {
    identities,
    next,
    events: eventsOf(common, match, previous.identities, identities),
    churn,
  }
}
