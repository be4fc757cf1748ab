import { partitionName } from './kafka-names.ts'
import { type Outbox, outbox, type Waiting } from './kafka-outbox.ts'
import type { Produce } from './kafka-produce.ts'
import { recordRoom, type Topic } from './kafka-topics.ts'
import { partitionOf } from './murmur2.ts'
import type { OutRecord, Partition, SendResult } from './types.ts'

/** What sending needs of its surroundings. */
export interface SendContext {
  readonly produce: Produce
  readonly onSuccess: () => void
  readonly onFailure: (reason: string) => void
}

/** Sends records to topics. */
export interface Sending {
  /** One answer a record, in order. */
  send(
    name: string,
    topic: Topic,
    records: readonly OutRecord[],
    deadlineMs: number,
  ): Promise<SendResult[]>
  /** Resolves when nothing waits. */
  idle(): Promise<void>
}

/** Frames of a batch, of a record and of a header, in bytes at most. */
const frame = { batch: 61, record: 32, header: 10 } as const

/**
 * Sends into outboxes, one a partition, and answers at the deadline at the latest: `unknown` for what
 * may be stored by then, `refused` for what certainly is not.
 */
export function kafkaSending(context: SendContext): Sending {
  const outboxes = new Map<Partition, Outbox>()
  let turn = 0

  function outboxOf(name: string, topic: Topic, number: number): Outbox {
    const partition = partitionName(name, number)
    const known = outboxes.get(partition)
    if (known) return known
    const made = outbox({
      ...context,
      partition,
      maxBatchBytes: topic.maxBatchBytes - frame.batch,
      produce: (records) => context.produce(topic.kafkaName, number, records),
    })
    outboxes.set(partition, made)
    return made
  }

  return {
    idle: async () => {
      await Promise.all([...outboxes.values()].map((one) => one.idle()))
    },
    send: async (name, topic, records, deadlineMs) => {
      turn += 1
      const waiting = records.map((record) => waitingFor(record))
      for (const one of waiting) {
        const reason = refusal(topic, one)
        if (reason !== undefined) one.settle({ outcome: 'refused', reason })
      }
      const good = waiting.filter((one) => one.result === undefined)
      const partitions = Map.groupBy(good, ({ record }) =>
        partitionFor(record, topic.partitions, turn),
      )
      for (const [number, ones] of partitions) outboxOf(name, topic, number).push(ones)
      const timer = setTimeout(() => {
        for (const { settle, mayBeStored } of waiting) {
          settle({ outcome: mayBeStored ? 'unknown' : 'refused', reason: 'deadline' })
        }
      }, deadlineMs)
      const results = await Promise.all(waiting.map(({ settled }) => settled))
      clearTimeout(timer)
      return results
    },
  }
}

/** A record that waits; the first answer counts. */
function waitingFor(record: OutRecord): Waiting & { readonly settled: Promise<SendResult> } {
  const { promise, resolve } = Promise.withResolvers<SendResult>()
  const one = {
    record,
    bytes: encodedBytes(record),
    mayBeStored: false,
    isAlone: false,
    result: undefined as SendResult | undefined,
    settled: promise,
    settle: (result: SendResult) => {
      one.result ??= result
      resolve(one.result)
    },
  }
  return one
}

/** Why a record cannot be stored in a topic whatever the state of the brokers, if it cannot. */
function refusal(topic: Topic, { record, bytes }: Waiting): string | undefined {
  const { value, key, partition = 0 } = record
  const isTooLarge =
    value.length > topic.maxBatchBytes - recordRoom || bytes + frame.batch > topic.maxBatchBytes
  if (isTooLarge) return 'too-large'
  if (topic.isCompacted && key === undefined) return 'no-key'
  const isPartition = Number.isInteger(partition) && partition >= 0 && partition < topic.partitions
  return isPartition ? undefined : 'no-partition'
}

/** The explicit partition, that of the key, else one for all records of the call. */
function partitionFor(record: OutRecord, partitions: number, turn: number): number {
  if (record.partition !== undefined) return record.partition
  return record.key ? partitionOf(record.key, partitions) : turn % partitions
}

/** What a record takes up in a batch, in bytes at most. */
function encodedBytes({ key, value, headers = {} }: OutRecord): number {
  const texts = Object.entries(headers).flat()
  return (
    frame.record +
    value.length +
    (key?.length ?? 0) +
    texts.reduce((sum, text) => sum + frame.header + Buffer.byteLength(text), 0)
  )
}
