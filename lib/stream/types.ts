import type { StreamError } from '../errors.ts'

/** One ordered sub-stream of a topic: `topic/number`. */
export type Partition = `${string}/${number}`

/** What a topic must look like. */
export interface TopicSpec {
  readonly name: string
  readonly partitions: number
  /** `delete` drops old records; `compact` keeps at least the last record of each key. */
  readonly policy: 'delete' | 'compact'
  /** Largest record value, in bytes. */
  readonly maxBytes: number
  /** How long Kafka keeps records, in ms. Absent: as the cluster does. SQLite has a rule of its own. */
  readonly retentionMs?: number
}

/** A record on its way in. An explicit partition wins over the key's. */
export interface OutRecord {
  readonly key?: Uint8Array
  readonly value: Uint8Array
  readonly headers?: Readonly<Record<string, string>>
  readonly partition?: number
}

/** What became of one record that was sent. */
export type SendResult =
  | { readonly outcome: 'acked'; readonly partition: Partition; readonly offset: number }
  | { readonly outcome: 'refused'; readonly reason: string }
  | { readonly outcome: 'unknown'; readonly reason: string }

/** A record as a consumer sees it. */
export interface InRecord {
  readonly offset: number
  /** When it was stored, ms since 1970. */
  readonly timestamp: number
  readonly key: Uint8Array | undefined
  readonly value: Uint8Array
  readonly headers: Readonly<Record<string, string>>
}

/** Records of one partition, in order. */
export interface Batch {
  readonly partition: Partition
  readonly records: readonly InRecord[]
  /** Offset after the last record of the partition at the time of reading. */
  readonly high: number
}

/** Where delivery of a partition starts. */
export type StartAt = number | 'committed' | 'earliest' | 'latest'

/** Low and high mark of one partition: the first kept offset, the next to be written. */
export interface Watermark {
  readonly partition: Partition
  readonly low: number
  readonly high: number
}

/** What a consumer wants, and what it is told. */
export interface Subscription {
  readonly topics: readonly string[]
  readonly group: string
  /** Upper bound of one batch, in bytes of values. */
  readonly maxBatchBytes: number
  /** Called before the first batch of these partitions; answers where each starts. */
  onAssign(partitions: readonly Partition[]): Promise<ReadonlyMap<Partition, StartAt>>
  onRevoke(partitions: readonly Partition[], why: 'revoked' | 'lost'): Promise<void>
  /** Serial within a partition. Resolving means taken into memory, never durable. */
  onBatch(batch: Batch, signal: AbortSignal): Promise<void>
  onFatal(error: StreamError): void
}

/** A running subscription. */
export interface Consumption {
  pause(partitions: readonly Partition[]): void
  resume(partitions: readonly Partition[]): void
  /** Commits: everything below `nextOffset` is done with. */
  reportProgress(partition: Partition, nextOffset: number): void
  stop(): Promise<void>
}

/** Last known state, without I/O. */
export interface StreamHealth {
  readonly ok: boolean
  readonly detail: string
}

/**
 * A log of records in topics and partitions, at least once.
 *
 * The guarantees of every adapter are the titles of `test/stream/contract.ts`.
 */
export interface StreamPort {
  /** Kafka cluster id, or uuid of the SQLite file. */
  identity(): Promise<string>
  /** Idempotent; never changes a live partition count. */
  ensureTopics(specs: readonly TopicSpec[]): Promise<void>
  /** One answer a record, in order; `acked` is durable. Tries until the deadline, in ms. */
  send(
    topic: string,
    records: readonly OutRecord[],
    options: { readonly deadlineMs: number },
  ): Promise<SendResult[]>
  /**
   * Joins a group; resolves before `onAssign` is called, so that it may pause what it is given.
   *
   * @throws {@link StreamError} if the stream is closed or broken.
   */
  subscribe(subscription: Subscription): Promise<Consumption>
  /** The marks of each partition, in order of their numbers. */
  watermarks(topic: string): Promise<Watermark[]>
  /** Last known state, without I/O. */
  health(): StreamHealth
  /** Ends all subscriptions and sends; resolves at the deadline, in ms, at the latest. */
  close(options: { readonly deadlineMs: number }): Promise<void>
}
