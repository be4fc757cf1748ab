import type { Matrix } from '../engine/matrix.ts'

/** A picture that the learner knows: in the buffer or held out. Never its pixels. */
export interface Picture {
  /** sha256 of the picture's bytes. */
  readonly id: string
  readonly source: string
  /** When it was taken or came in, ms since 1970. */
  readonly at: number
  /** Image id of the first picture of its duplicate group. */
  readonly group: string
}

/** A picture of the replay buffer. */
export interface BufferEntry extends Picture {
  /** Number of pictures admitted before it; rising. */
  readonly arrival: number
  /** Half of a `mixed` buffer that it is in. */
  readonly half: 'recent' | 'reservoir'
  /** Rounds running in which it was untrusted. */
  readonly untrusted: number
  /** Identity of its cluster, once a clustering has seen it. */
  readonly identity: number | undefined
}

/** The replay buffer. */
export interface BufferState {
  /** By image id; those of the recent half in order of arrival. */
  readonly entries: ReadonlyMap<string, BufferEntry>
  /** Pictures ever admitted: the next entry's arrival. */
  readonly arrivals: number
  /** Pictures ever offered to the reservoir half. */
  readonly offered: number
  /** Entries with a smaller arrival had their first round already. */
  readonly freshFrom: number
  /** Why pictures did not get in, or left early, and how many. */
  readonly rejected: Readonly<Record<string, number>>
}

/** One of the last pictures of a source, for finding near-duplicates. */
export interface RecentPicture {
  readonly id: string
  readonly group: string
  /** 64-bit difference hash, 16 hex characters. */
  readonly fingerprint: string
  /** Centred embedding by `SeenState.model`, shape [dim]; absent when another model made it. */
  readonly embedding: Float32Array | undefined
}

/** What has been seen, so that nothing counts twice. */
export interface SeenState {
  /** First 32 hex characters of the image ids of the last pictures, oldest first. */
  readonly ids: ReadonlySet<string>
  /** The last pictures of each source, oldest first. */
  readonly recent: ReadonlyMap<string, readonly RecentPicture[]>
  /** Pictures and destination of each duplicate group that `recent` still shows. */
  readonly groups: ReadonlyMap<string, { readonly pictures: number; readonly heldOut: boolean }>
  /** Digest of the model that made the embeddings in `recent`. */
  readonly model: string | undefined
  /** Distinct pictures ever applied. */
  readonly applied: number
}

/** Held-out pictures: they judge, and are never trained on. */
export interface HeldOutState {
  /** Probe A: old pictures, oldest first. */
  readonly a: readonly Picture[]
  /** Probe B: the newest ones, oldest first. */
  readonly b: readonly Picture[]
  readonly monitor: readonly Picture[]
}

/** Drift of the stream against the last round's input, measured with a frozen encoder. */
export interface DriftState {
  /** Unit columns of the reference clustering. */
  readonly centroids: Matrix
  /** Mean that the reference clustering subtracts, shape [dim]. */
  readonly mean: Float32Array
  /** Mean and standard deviation of 1 − best similarity on the reference pictures. */
  readonly expected: number
  readonly deviation: number
  /** Alarm threshold of the running sum. */
  readonly threshold: number
  /** Running sum; the alarm sounds above the threshold. */
  readonly sum: number
}

/** What is remembered of a cluster from one clustering to the next. */
export interface KnownCluster {
  readonly identity: number
  readonly bornIn: number
  /** Pictures: those of the last clustering, and those that have joined since. */
  readonly size: number
  /** What they weigh in the centroid, older ones less; absent: as many as they are. */
  readonly weight?: number
  /** Mean similarity of its members to its centroid, in [−1, 1]. */
  readonly cohesion: number
}

/** One event in the life of clusters. */
export interface ClusterEvent {
  readonly round: number
  readonly kind: 'birth' | 'death' | 'split' | 'merge'
  readonly identity: number
  readonly of: number | undefined
  readonly pictures: number
}

/** The last clustering. */
export interface ClusterState {
  /** Number of clusters asked for, and the buffer size it was chosen at. */
  readonly k: number
  readonly chosenAt: number
  readonly nextIdentity: number
  /** One per living cluster, in the order of the centroids' rows. */
  readonly known: readonly KnownCluster[]
  /** Digest of the published model in whose space the centroids lie. */
  readonly model: string
  /** Unit rows, shape [clusters, dim]. */
  readonly centroids: Matrix
  /** Mean that the clustering subtracts, shape [dim]. */
  readonly mean: Float32Array
  readonly events: readonly ClusterEvent[]
}

/** Weights in training, with the optimiser's memory. */
export interface StudentState {
  /** Weights in the network's order. */
  readonly weights: readonly Float32Array[]
  readonly optimizerStep: number
  readonly first: Float32Array
  readonly second: Float32Array
  /** Linear head's or backbone's fingerprint: another architecture starts anew. */
  readonly architecture: string
}

/** Everything the learner knows beside offsets and counts: the parts of its checkpoint. */
export interface LearnerState {
  readonly buffer: BufferState
  readonly seen: SeenState
  readonly heldOut: HeldOutState
  readonly drift: DriftState | undefined
  readonly clusters: ClusterState | undefined
  readonly student: StudentState | undefined
}

/** A learner that has seen nothing. */
export const emptyState: LearnerState = {
  buffer: { entries: new Map(), arrivals: 0, offered: 0, freshFrom: 0, rejected: {} },
  seen: { ids: new Set(), recent: new Map(), groups: new Map(), model: undefined, applied: 0 },
  heldOut: { a: [], b: [], monitor: [] },
  drift: undefined,
  clusters: undefined,
  student: undefined,
}
