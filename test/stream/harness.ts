import { afterEach, beforeEach } from 'vitest'
import type { OutRecord, Partition, SendResult, StreamPort } from '../../lib/stream/types.ts'
import { type ChildProgram, endChildren } from '../store/child.ts'

/** One fresh, empty store of records, as an adapter's test provides it. */
export interface StreamHarness {
  /** A further client of the store, as another process would have. */
  open(): Promise<StreamPort>
  /** A program that opens the same store and calls `servePeer`. */
  peer(): ChildProgram
  /** How long a silent owner keeps its group, in ms. */
  readonly sessionMs: number
  /** Attempts of a batch before its rejection is fatal. */
  readonly attempts: number
  /** Stops the backing store and starts it again; earlier clients are gone. */
  restart(): Promise<void>
  /** Removes the records of a partition below an offset, as retention does. */
  dropBelow(partition: Partition, offset: number): Promise<void>
  /** The next write is stored, but its answer is lost. */
  loseAnswer(stream: StreamPort): Promise<void>
  /** Ends all clients and removes the store. */
  dispose(): Promise<void>
}

/** A store whose disk can be made to fail, each time until the function it resolves to is called. */
export interface DiskHarness extends StreamHarness {
  /** No room for another record. */
  fullDisk(stream: StreamPort): Promise<() => Promise<void>>
  readOnly(stream: StreamPort): Promise<() => Promise<void>>
}

/** What each test of the contract starts from. */
export interface Fixture<H extends StreamHarness = StreamHarness> {
  readonly harness: H
  readonly stream: StreamPort
}

/** Topics of each test: one partition, three, and a compacted one. */
export const topics = [
  { name: 't', partitions: 1, policy: 'delete', maxBytes: 1_000_000 },
  { name: 't3', partitions: 3, policy: 'delete', maxBytes: 1_000_000 },
  { name: 'c', partitions: 1, policy: 'compact', maxBytes: 1_000 },
] as const

/** A fresh store for each test of the enclosing block. */
export function fixture<H extends StreamHarness>(make: () => Promise<H>): () => Fixture<H> {
  let current: Fixture<H> | undefined
  beforeEach(async () => {
    const harness = await make()
    const stream = await harness.open()
    await stream.ensureTopics(topics)
    current = { harness, stream }
  })
  afterEach(async () => {
    await endChildren()
    await current?.harness.dispose()
  })
  return () => current as Fixture<H>
}

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

/** Records with these values and nothing else. */
export function recordsOf(...values: readonly string[]): OutRecord[] {
  return values.map((value) => ({ value: bytes(value) }))
}

/** Sends values to a topic, each of which must be acked; their offsets. */
export async function sendAcked(
  stream: StreamPort,
  topic: string,
  records: readonly OutRecord[],
): Promise<number[]> {
  const results = await stream.send(topic, records, { deadlineMs: 10_000 })
  return results.map((result) => acked(result).offset)
}

/** The answer, which must be `acked`. */
export function acked(result: SendResult | undefined): Extract<SendResult, { outcome: 'acked' }> {
  if (result?.outcome === 'acked') return result
  throw new Error(`expected a record to be acked, got ${JSON.stringify(result)}`)
}
