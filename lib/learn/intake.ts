import { type BufferOptions, brokenQuota, draftOf, insert, reject } from './buffer.ts'
import { observe } from './drift.ts'
import {
  type DuplicateOptions,
  draftOfSeen,
  duplicateGroup,
  remember,
  wasSeen,
} from './duplicates.ts'
import { type HeldOutOptions, heldOutShare, holdOut, isHeldOut } from './held-out.ts'
import type { DriftState, LearnerState, Picture } from './state.ts'
import { clusterTracker } from './track-clusters.ts'

/** A decoded picture on its way into the learner's state. */
export interface Arrival {
  /** sha256 of the picture's bytes. */
  readonly id: string
  readonly source: string
  /** ms since 1970. */
  readonly at: number
  /** 64-bit difference hash, 16 hex characters. */
  readonly fingerprint: string
  /** Row of the champion, unit norm, centred if the champion is, shape [dim]. */
  readonly embedding: Float32Array
  /** Row of the frozen reference encoder, unit norm, shape [dim]; absent: no drift watch. */
  readonly reference: Float32Array | undefined
}

/** The model behind `Arrival.embedding`. */
export interface Champion {
  readonly digest: string
  /** Whether its cosines are centred, so that .97 means alike. */
  readonly isCentred: boolean
}

/** Settings of the intake. */
export interface IntakeOptions {
  readonly buffer: Required<BufferOptions>
  readonly duplicates: Required<DuplicateOptions>
  readonly heldOut: Required<HeldOutOptions>
  /** Pictures of one duplicate group that enter the buffer. Default 3. */
  readonly maxGroup: number
  readonly seed: number
  /** Image ids of the labelled probe: they judge models, and never enter the buffer. */
  readonly labelled?: ReadonlySet<string>
}

/** What became of a picture. */
export type Fate = 'admitted' | 'held-out' | 'rejected' | 'duplicate'

/** The state after a batch, with what each picture's bytes are still needed for. */
export interface IntakeResult {
  readonly state: LearnerState
  /** Fate of each picture, in order. */
  readonly fates: readonly Fate[]
  /** Image ids that the state no longer names. */
  readonly released: readonly string[]
}

const watched = (drift: DriftState | undefined, row: Float32Array | undefined) =>
  drift === undefined || row?.length !== drift.mean.length ? drift : observe(drift, row)

/**
 * Takes a batch of decoded pictures into the learner's state, each at most once.
 *
 * A picture's duplicate group decides first whether it is held out; then at most `maxGroup` of a
 * group, and quotas a source and a cluster, guard the buffer. A picture of the labelled probe is
 * left out, and later pictures of its group are held out. Every distinct picture counts as
 * applied, whatever its fate. Clusters follow what is admitted.
 */
export function admit(
  state: LearnerState,
  arrivals: readonly Arrival[],
  champion: Champion,
  options: IntakeOptions,
): IntakeResult {
  const seen = draftOfSeen(state.seen, champion.digest)
  let { heldOut, drift } = state
  const draft = draftOf(state.buffer)
  // Only where the champion's space is the one that was clustered.
  const isClustered = state.clusters?.model === champion.digest
  const tracker = state.clusters && isClustered ? clusterTracker(state.clusters) : undefined
  const fates: Fate[] = []
  const released: string[] = []
  for (const arrival of arrivals) {
    if (wasSeen(seen, arrival.id)) {
      fates.push('duplicate')
      continue
    }
    const embedding = champion.isCentred ? arrival.embedding : undefined
    const group = duplicateGroup(seen, arrival, embedding, options.duplicates)
    const known = seen.groups.get(group)
    const share = heldOutShare(heldOut, options.heldOut)
    const isLabelled = options.labelled?.has(arrival.id) ?? false
    const isOut = isLabelled || (known?.heldOut ?? isHeldOut(group, share, options.seed))
    const { id, source, at } = arrival
    const picture: Picture = { id, source, at, group }
    let fate: Fate = 'rejected'
    if (isLabelled) reject(draft, 'labelled')
    else if ((known?.pictures ?? 0) >= options.maxGroup) reject(draft, 'near-duplicate')
    else if (isOut) {
      const held = holdOut(heldOut, picture, options.heldOut)
      heldOut = held.sets
      if (held.dropped !== undefined) released.push(held.dropped.id)
      fate = 'held-out'
    } else {
      const cluster = tracker?.nearest(arrival.embedding)
      const identity = cluster === undefined ? undefined : state.clusters?.known[cluster]?.identity
      const broken = brokenQuota(draft, { source, identity }, state.clusters?.k, options.buffer)
      if (broken !== undefined) reject(draft, broken)
      else {
        const evicted = insert(draft, picture, identity, options.buffer, options.seed)
        if (evicted?.id === id) reject(draft, 'turned-away')
        else {
          fate = 'admitted'
          if (evicted !== undefined) {
            reject(draft, 'evicted')
            released.push(evicted.id)
          }
        }
        if (cluster !== undefined) tracker?.join(cluster, arrival.embedding)
      }
    }
    drift = watched(drift, arrival.reference)
    const recent = { id, group, fingerprint: arrival.fingerprint, embedding }
    remember(seen, source, recent, isOut, options.duplicates)
    fates.push(fate)
  }
  const clusters = tracker?.state() ?? state.clusters
  return { state: { ...state, buffer: draft, seen, heldOut, drift, clusters }, fates, released }
}
