import { randomStream } from '../engine/random.ts'
import type { BufferEntry, BufferState, Picture } from './state.ts'

/** Settings of the replay buffer. */
export interface BufferOptions {
  /** Pictures at most, ≥ 100. Default 20,000. */
  readonly capacity?: number
  /** `fifo` evicts the oldest, `reservoir` is uniform over all history, `mixed` is half of each. */
  readonly policy?: 'fifo' | 'reservoir' | 'mixed'
  /** Largest share of one source while four or more are active, 0–1. Default .25. */
  readonly maxSourceShare?: number
}

/** Defaults: `method.md` §7. */
export const defaultBufferOptions: Required<BufferOptions> = {
  capacity: 20_000,
  policy: 'mixed',
  maxSourceShare: 0.25,
}

/** A buffer being changed; `admit` works on one so that a batch copies the entries once. */
export interface BufferDraft {
  readonly entries: Map<string, BufferEntry>
  readonly rejected: Record<string, number>
  arrivals: number
  offered: number
  readonly freshFrom: number
}

/** Starts a change. */
export function draftOf(buffer: BufferState): BufferDraft {
  return { ...buffer, entries: new Map(buffer.entries), rejected: { ...buffer.rejected } }
}

/** Counts a picture that did not get in, or left early. */
export function reject(draft: BufferDraft, reason: string): void {
  draft.rejected[reason] = (draft.rejected[reason] ?? 0) + 1
}

function sizes(policy: Required<BufferOptions>['policy'], capacity: number) {
  if (policy === 'fifo') return { recent: capacity, reservoir: 0 }
  if (policy === 'reservoir') return { recent: 0, reservoir: capacity }
  return { recent: Math.ceil(capacity / 2), reservoir: Math.floor(capacity / 2) }
}

const half = (draft: BufferDraft, name: BufferEntry['half']): BufferEntry[] =>
  [...draft.entries.values()].filter((entry) => entry.half === name)

/** Algorithm R: the n-th picture offered stays with probability capacity / n. */
function offerToReservoir(
  draft: BufferDraft,
  entry: BufferEntry,
  capacity: number,
  seed: number,
): BufferEntry | undefined {
  draft.offered += 1
  if (capacity === 0) return entry
  const kept = half(draft, 'reservoir')
  const moved = { ...entry, half: 'reservoir' as const }
  if (kept.length < capacity) {
    draft.entries.set(entry.id, moved)
    return undefined
  }
  const slot = randomStream(seed, 'reservoir', draft.offered).integer(draft.offered)
  const evicted = kept[slot]
  if (evicted === undefined) return entry
  draft.entries.delete(evicted.id)
  draft.entries.set(entry.id, moved)
  return evicted
}

/**
 * Takes a picture in, and evicts another if the buffer is full.
 *
 * @param seed - Decides evictions of the reservoir half, with the number of pictures offered.
 * @returns The entry that left; it may be the picture itself.
 */
export function insert(
  draft: BufferDraft,
  picture: Picture,
  identity: number | undefined,
  options: Required<BufferOptions>,
  seed: number,
): BufferEntry | undefined {
  const limit = sizes(options.policy, options.capacity)
  const entry: BufferEntry = {
    ...picture,
    arrival: draft.arrivals,
    half: 'recent',
    untrusted: 0,
    identity,
  }
  draft.arrivals += 1
  if (limit.recent === 0) return offerToReservoir(draft, entry, limit.reservoir, seed)
  draft.entries.set(entry.id, entry)
  if (draft.entries.size <= limit.recent) return undefined
  const recent = half(draft, 'recent')
  const oldest = recent[0]
  if (oldest === undefined || recent.length <= limit.recent) return undefined
  draft.entries.delete(oldest.id)
  return offerToReservoir(draft, oldest, limit.reservoir, seed)
}

/**
 * Which quota a picture would break, if any.
 *
 * A source may hold `maxSourceShare` of the capacity once four are active, a cluster four times
 * its even share once there are clusters.
 */
export function brokenQuota(
  draft: BufferDraft,
  picture: { readonly source: string; readonly identity: number | undefined },
  k: number | undefined,
  options: Required<BufferOptions>,
): 'source-quota' | 'cluster-quota' | undefined {
  const sources = new Set<string>()
  let sameSource = 0
  let sameCluster = 0
  for (const entry of draft.entries.values()) {
    sources.add(entry.source)
    if (entry.source === picture.source) sameSource += 1
    if (entry.identity !== undefined && entry.identity === picture.identity) sameCluster += 1
  }
  const { capacity, maxSourceShare } = options
  if (sources.size >= 4 && sameSource >= maxSourceShare * capacity) return 'source-quota'
  if (k !== undefined && sameCluster >= (4 * capacity) / k) return 'cluster-quota'
  return undefined
}

/** Pictures that no round has seen yet. */
export function freshCount(buffer: BufferState): number {
  let count = 0
  for (const entry of buffer.entries.values()) if (entry.arrival >= buffer.freshFrom) count += 1
  return count
}
