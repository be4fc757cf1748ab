import { type IdentityEvent, type MatchedIdentities, matchIdentities } from '../cluster/identity.ts'
import { type IdentitySet, identitySet } from '../cluster/identity-set.ts'
import { nmi } from '../metric/nmi.ts'
import type { Candidate, RoundResult } from './round-result.ts'
import type { BufferEntry, ClusterEvent, ClusterState, LearnerState } from './state.ts'

/** Rounds running in which a picture may be untrusted before it leaves the buffer. */
const mostUntrusted = 5
/** Events of the clusters that are remembered. */
const rememberedEvents = 1_000

/** Identities of the last clustering, as far as its pictures are still in the buffer. */
export function identitiesOf({ buffer, clusters }: LearnerState): IdentitySet {
  const known = clusters?.known ?? []
  const clusterOf = new Map(known.map(({ identity }, cluster) => [identity, cluster]))
  const members = [...buffer.entries.values()].filter(
    ({ identity }) => identity !== undefined && clusterOf.has(identity),
  )
  return {
    next: clusters?.nextIdentity ?? 0,
    identities: known.map(({ identity }) => identity),
    centroids: clusters?.centroids ?? { rows: 0, dim: 0, data: new Float32Array() },
    ids: members.map(({ id }) => id),
    labels: Int32Array.from(members, (entry) => clusterOf.get(entry.identity as number) as number),
  }
}

function eventOf(round: number, event: IdentityEvent): ClusterEvent {
  const { kind, identity, images } = event
  const of = kind === 'split' ? event.from : kind === 'merge' ? event.into : undefined
  return { round, kind, identity, of, pictures: images }
}

/** Mean similarity of each cluster's members to its centroid, shape [k]. */
function cohesions({ clustering }: Candidate): Float64Array {
  const sums = new Float64Array(clustering.k)
  for (const [i, label] of clustering.labels.entries()) {
    sums[label] = (sums[label] as number) + (clustering.similarity[i] as number)
  }
  return sums.map((sum, label) => sum / Math.max(1, clustering.counts[label] as number))
}

type Judged = Extract<RoundResult, { readonly outcome: 'judged' }>

/** How a round's clusters follow from those before. */
export interface RoundMatch {
  readonly matched: MatchedIdentities
  readonly set: IdentitySet
  /** Share of pictures in both clusterings whose identity changed. */
  readonly churn: number
  /** Normalised mutual information of both, [0, 1]; undefined where they share no picture. */
  readonly nmi: number | undefined
}

/** Mutual information over the pictures that both clusterings have. */
function sharedNmi(
  previous: IdentitySet,
  labels: Int32Array,
  ids: readonly string[],
): number | undefined {
  const before = new Map(previous.ids.map((id, i) => [id, previous.labels[i] as number]))
  const rows = [...ids.keys()].filter((row) => before.has(ids[row] as string))
  if (rows.length === 0) return undefined
  return nmi(
    Int32Array.from(rows, (row) => before.get(ids[row] as string) as number),
    Int32Array.from(rows, (row) => labels[row] as number),
  )
}

/** Finds the clusters before in those of a round. */
export function matchRound(
  frozen: LearnerState,
  { candidate }: Judged,
  ids: readonly string[],
): RoundMatch {
  const { clustering, centroids } = candidate
  const named = { ...clustering, centroids }
  const previous = identitiesOf(frozen)
  // Centroids of another width cannot be compared: then only shared pictures speak.
  const isComparable = previous.centroids.dim === centroids.dim
  const blank = {
    ...centroids,
    rows: previous.identities.length,
    data: new Float32Array(previous.identities.length * centroids.dim),
  }
  const matched = matchIdentities(
    isComparable ? previous : { ...previous, centroids: blank },
    named,
    ids,
  )
  return {
    matched,
    set: identitySet(matched, named, ids),
    churn: matched.churn,
    nmi: sharedNmi(previous, clustering.labels, ids),
  }
}

/** What a round changed, beside the state. */
export interface MergedRound {
  readonly state: LearnerState
  /** Image ids that left the buffer. */
  readonly released: readonly string[]
}

/**
 * Joins a judged round with what came in meanwhile: weights, clusters and trust are the round's,
 * entries are the intake's, by image id.
 *
 * A rejected candidate leaves no weights behind: the next round starts from the last sound ones.
 *
 * @param frozen - The state that the round began with.
 * @param present - The state now.
 * @param model - Digest of the published model in whose space the centroids lie; without one
 * (the gate kept the champion) clusters keep their names, but new pictures join none.
 * @param match - Of {@link matchRound}, from a caller that has it already.
 */
export function mergeRound(
  frozen: LearnerState,
  present: LearnerState,
  result: Judged,
  ids: readonly string[],
  model: string,
  { matched, set }: RoundMatch = matchRound(frozen, result, ids),
): MergedRound {
  const { candidate, report, verdict } = result
  const { clustering, centroids, trusted } = candidate
  const born = new Map(frozen.clusters?.known.map((one) => [one.identity, one.bornIn]))
  const similarity = cohesions(candidate)
  const clusters: ClusterState = {
    k: report.k,
    chosenAt: ids.length,
    nextIdentity: set.next,
    known: set.identities.map((identity, cluster) => ({
      identity,
      bornIn: born.get(identity) ?? report.number,
      size: clustering.counts[cluster] as number,
      cohesion: similarity[cluster] as number,
    })),
    model,
    centroids,
    mean: candidate.mean,
    events: [
      ...(frozen.clusters?.events ?? []),
      ...matched.events.map((event) => eventOf(report.number, event)),
    ].slice(-rememberedEvents),
  }
  const rowOf = new Map(ids.map((id, row) => [id, row]))
  const released: string[] = []
  const entries = new Map<string, BufferEntry>()
  for (const entry of present.buffer.entries.values()) {
    const row = rowOf.get(entry.id)
    if (row === undefined) {
      entries.set(entry.id, entry)
      continue
    }
    const untrusted = trusted[row] === 1 ? 0 : entry.untrusted + 1
    if (untrusted >= mostUntrusted) released.push(entry.id)
    else {
      const identity = set.identities[clustering.labels[row] as number]
      entries.set(entry.id, { ...entry, untrusted, identity })
    }
  }
  const rejected =
    released.length === 0
      ? present.buffer.rejected
      : {
          ...present.buffer.rejected,
          untrusted: (present.buffer.rejected['untrusted'] ?? 0) + released.length,
        }
  const buffer = { ...present.buffer, entries, rejected, freshFrom: frozen.buffer.arrivals }
  const student = verdict.verdict === 'reject' ? frozen.student : result.student
  return { state: { ...present, buffer, clusters, student }, released }
}
