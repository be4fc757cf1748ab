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

/** Frame of a batch, in bytes. */
const batchFrame = 61
/** Frame of a record, in bytes at most. */
const recordFrame = 32
/** Frame of a header, in bytes at most. */
const headerFrame = 10

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
      maxBatchBytes: topic.maxBatchBytes - batchFrame,
      produce: (records) => context.produce(topic.kafkaName, number, records),
    })
    outboxes.set(partition, made)
    return made
  }

  return {
    idle: async () => {
      await Promise.all([...outboxes.values()].map((one) => one.idle()))
    },
    send: (name, topic, records, deadlineMs) =>
      new Promise((resolve) => {
        const results: (SendResult | undefined)[] = records.map((record) => refusal(topic, record))
        let open = results.filter((result) => result === undefined).length
        const waiting = new Map<number, Waiting[]>()
        const all: (readonly [index: number, one: Waiting])[] = []

        function settle(index: number, result: SendResult): void {
          if (results[index]) return
          results[index] = result
          open -= 1
          if (open === 0) finish()
        }

        function finish(): void {
          clearTimeout(timer)
          resolve(results as SendResult[])
        }

        function expire(): void {
          for (const [index, { mayBeStored }] of all) {
            settle(index, { outcome: mayBeStored ? 'unknown' : 'refused', reason: 'deadline' })
          }
        }

        const timer = setTimeout(expire, deadlineMs)
        if (open === 0) return finish()
        turn += 1
        for (const [index, record] of records.entries()) {
          if (results[index]) continue
          const number = partitionFor(record, topic.partitions, turn)
          const one: Waiting = {
            record,
            bytes: encodedBytes(record),
            mayBeStored: false,
            isAlone: false,
            isSettled: () => results[index] !== undefined,
            acked: (offset) =>
              settle(index, { outcome: 'acked', partition: partitionName(name, number), offset }),
            refused: (reason) => settle(index, { outcome: 'refused', reason }),
          }
          all.push([index, one])
          waiting.set(number, [...(waiting.get(number) ?? []), one])
        }
        for (const [number, ones] of waiting) outboxOf(name, topic, number).push(ones)
      }),
  }
}

/** Why a record cannot be stored in a topic whatever the state of the brokers, if it cannot. */
function refusal(topic: Topic, record: OutRecord): SendResult | undefined {
  const refused = (reason: string): SendResult => ({ outcome: 'refused', reason })
  const isTooLarge =
    record.value.length > topic.maxBatchBytes - recordRoom ||
    encodedBytes(record) + batchFrame > topic.maxBatchBytes
  if (isTooLarge) return refused('too-large')
  if (topic.isCompacted && record.key === undefined) return refused('no-key')
  const { partition = 0 } = record
  if (!Number.isInteger(partition) || partition < 0 || partition >= topic.partitions) {
    return refused('no-partition')
  }
  return undefined
}

/** The explicit partition, that of the key, else one for all records of the call. */
function partitionFor(record: OutRecord, partitions: number, turn: number): number {
  if (record.partition !== undefined) return record.partition
  return record.key ? partitionOf(record.key, partitions) : turn % partitions
}

/** What a record takes up in a batch, in bytes at most. */
function encodedBytes({ key, value, headers = {} }: OutRecord): number {
  let bytes = recordFrame + value.length + (key?.length ?? 0)
  for (const [name, text] of Object.entries(headers)) {
    bytes += headerFrame + Buffer.byteLength(name) + Buffer.byteLength(text)
  }
  return bytes
}
