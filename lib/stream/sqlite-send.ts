import { setTimeout as delay } from 'node:timers/promises'
import type { StreamError } from '../errors.ts'
import { commitLimits } from '../store/sqlite-commit.ts'
import { type Append, type Placed, place, recordBytes, refusal } from './sqlite-append.ts'
import type { Topic } from './sqlite-topics.ts'
import type { OutRecord, SendResult } from './types.ts'

/** Pause before a transaction is tried again that met another writer, in ms. */
const busyPauseMs = 20

/** What sending needs of its surroundings. */
export interface SendContext {
  readonly append: Append
  /** Wall clock for the records' timestamps, ms since 1970. */
  readonly now: () => number
  /** Counter of records without key. */
  readonly turn: () => number
  /** Why nothing may be written any more, if so. */
  readonly refuseAll: () => string | undefined
  readonly onFailure: (error: StreamError) => void
}

/**
 * Sends records to one topic, in transactions within the commit limits.
 *
 * @returns One answer a record, in order. `refused` is certain: the record is nowhere.
 */
export async function sendAll(
  context: SendContext,
  topic: Topic,
  records: readonly OutRecord[],
  deadlineMs: number,
): Promise<SendResult[]> {
  const results = records.map((record) => refusal(topic, record))
  const good = records.flatMap((record, index) =>
    results[index] ? [] : [{ index, ...place(topic, record, context.turn) }],
  )
  const deadline = performance.now() + deadlineMs
  // One after the other: a later chunk must not overtake one that is tried again.
  for (const chunk of chunks(good)) {
    const answers = await sendChunk(context, topic, chunk, deadline)
    for (const [i, { index }] of chunk.entries()) results[index] = answers(i)
  }
  return results as SendResult[]
}

type AnswerOf = (position: number) => SendResult

async function sendChunk(
  context: SendContext,
  topic: Topic,
  chunk: readonly Placed[],
  deadline: number,
): Promise<AnswerOf> {
  for (;;) {
    const reason = context.refuseAll()
    if (reason !== undefined) return () => ({ outcome: 'refused', reason })
    const appended = await context.append(topic, chunk, context.now())
    if (appended.outcome === 'acked') {
      return (i) => ({
        outcome: 'acked',
        partition: (chunk[i] as Placed).part.name,
        offset: appended.offsets[i] as number,
      })
    }
    const { outcome, error } = appended
    if (error.reason !== 'busy' || performance.now() >= deadline) {
      context.onFailure(error)
      return () => ({ outcome, reason: error.reason ?? 'other' })
    }
    await delay(busyPauseMs)
  }
}

/** Cuts records into runs within the commit limits; a single one may exceed the bytes. */
function chunks<T extends Placed>(placed: readonly T[]): T[][] {
  const runs: T[][] = []
  let bytes = Number.POSITIVE_INFINITY
  for (const one of placed) {
    const size = recordBytes(one.record)
    const last = runs.at(-1)
    if (last && last.length < commitLimits.records && bytes + size <= commitLimits.bytes) {
      last.push(one)
      bytes += size
    } else {
      runs.push([one])
      bytes = size
    }
  }
  return runs
}
