import { setTimeout as delay } from 'node:timers/promises'
import type { Produced } from './kafka-produce.ts'
import type { OutRecord, Partition, SendResult } from './types.ts'

/** A record on its way into a partition. */
export interface Waiting {
  readonly record: OutRecord
  /** What it takes up in a batch. */
  readonly bytes: number
  /** Whether an attempt may have stored it: then nobody may say that it was refused. */
  mayBeStored: boolean
  /** Whether it travels alone, since a batch with it was refused. */
  isAlone: boolean
  /** What became of it, once that is known. */
  readonly result: SendResult | undefined
  readonly settle: (result: SendResult) => void
}

/** What an outbox needs of its surroundings. */
export interface OutboxContext {
  readonly partition: Partition
  readonly produce: (records: readonly OutRecord[]) => Promise<Produced>
  /** Largest batch, in bytes. */
  readonly maxBatchBytes: number
  readonly onSuccess: () => void
  readonly onFailure: (reason: string) => void
}

/** The records that wait for one partition. */
export interface Outbox {
  /** Sends records after those that wait already; each is told what became of it. */
  push(records: readonly Waiting[]): void
  /** Resolves when nothing waits. */
  idle(): Promise<void>
}

/** Records of a batch at most: kafkajs groups them in quadratic time. */
const maxBatchRecords = 1_000
/** More bytes in one batch are no faster. */
const goodBatchBytes = 1_048_576
/** Pause after a failure, in ms; doubles up to a second. */
const pauseMs = 50
const maxPauseMs = 1_000

/** Faults of a single record for which the brokers refuse its whole batch. */
const faultsOfOne: ReadonlySet<string> = new Set(['too-large', 'bad-record', 'other'])

/**
 * Sends the records of one partition, one batch at a time, so that none overtakes another.
 *
 * A failed batch is sent again for as long as somebody waits for its records. One that is refused
 * for a fault that a single record may have is sent again record by record.
 */
export function outbox(context: OutboxContext): Outbox {
  let queue: Waiting[] = []
  let running: Promise<void> | undefined

  async function run(): Promise<void> {
    let pause = pauseMs
    for (;;) {
      queue = queue.filter(({ result }) => result === undefined)
      if (queue.length === 0) return
      const batch = queue.slice(0, batchLength(queue, context.maxBatchBytes))
      if (await attempt(batch)) {
        queue = queue.slice(batch.length)
        pause = pauseMs
      } else {
        await delay(pause)
        pause = Math.min(maxPauseMs, 2 * pause)
      }
    }
  }

  /** Sends a batch once; whether it is done with. */
  async function attempt(batch: readonly Waiting[]): Promise<boolean> {
    const doubts = batch.map(({ mayBeStored }) => mayBeStored)
    for (const one of batch) one.mayBeStored = true
    const produced = await context.produce(batch.map(({ record }) => record))
    if (produced.outcome === 'acked') {
      for (const [i, one] of batch.entries()) {
        const offset = produced.firstOffset + i
        one.settle({ outcome: 'acked', partition: context.partition, offset })
      }
      context.onSuccess()
      return true
    }
    context.onFailure(produced.reason)
    const isStoredNowhere = produced.outcome === 'refused' || !produced.mayBeStored
    for (const [i, one] of batch.entries()) {
      if (isStoredNowhere) one.mayBeStored = doubts[i] as boolean
    }
    if (produced.outcome === 'failed') return false
    if (batch.length > 1 && faultsOfOne.has(produced.reason)) {
      for (const one of batch) one.isAlone = true
      return false
    }
    for (const one of batch) one.settle({ outcome: 'refused', reason: produced.reason })
    return true
  }

  return {
    push: (records) => {
      queue.push(...records)
      running ??= run().finally(() => {
        running = undefined
      })
    },
    idle: async () => {
      await running
    },
  }
}

/** How many records of a queue make the next batch: at least one. */
function batchLength(queue: readonly Waiting[], maxBatchBytes: number): number {
  const limit = Math.min(maxBatchBytes, goodBatchBytes)
  let bytes = 0
  let length = 0
  for (const one of queue) {
    bytes += one.bytes
    if (length > 0 && (one.isAlone || bytes > limit || length === maxBatchRecords)) break
    length += 1
    if (one.isAlone) break
  }
  return length
}
