import type { DatabaseSync } from 'node:sqlite'
import { setTimeout as delay } from 'node:timers/promises'
import { StreamError } from '../errors.ts'
import { groupCommit } from '../store/sqlite-commit.ts'
import { sqliteAppend } from './sqlite-append.ts'
import { type Consuming, consume } from './sqlite-consume.ts'
import { isFinal, streamError } from './sqlite-errors.ts'
import { sqliteGroups } from './sqlite-groups.ts'
import { sqliteRead } from './sqlite-read.ts'
import { sendAll } from './sqlite-send.ts'
import { sqliteTopics } from './sqlite-topics.ts'
import { defaultWatchOptions, type WatchOptions, watchCommits } from './sqlite-watch.ts'
import type { StreamPort } from './types.ts'

/** Settings of the embedded stream. */
export interface SqliteStreamOptions extends WatchOptions {
  /** How long a silent owner keeps its group, in ms. Default 10,000. */
  readonly leaseMs?: number
  /** How often a batch is handed over before its rejection is fatal, ≥ 1. Default 5. */
  readonly attempts?: number
  /** Pause before the second attempt, in ms; doubles up to 5 s. Default 200. */
  readonly backOffMs?: number
  /** Wall clock for timestamps, ms since 1970. Default `Date.now`. */
  readonly now?: () => number
}

/** Defaults of {@link SqliteStreamOptions}. */
export const defaultSqliteStreamOptions: Required<SqliteStreamOptions> = {
  ...defaultWatchOptions,
  leaseMs: 10_000,
  attempts: 5,
  backOffMs: 200,
  now: Date.now,
}

/**
 * The stream port on the SQLite file of a data folder: durable, one owner a group, for the
 * processes of one machine.
 *
 * After a fault whose outcome only a restart can tell (a failed write to the disk, damage) nothing
 * is written any more and each consumer gets `onFatal`.
 *
 * @param db - An open database with our schema; the caller closes it after the stream.
 */
export function sqliteStream(db: DatabaseSync, options: SqliteStreamOptions = {}): StreamPort {
  const settings = { ...defaultSqliteStreamOptions, ...options }
  const topics = sqliteTopics(db)
  const watch = watchCommits(db, settings)
  const append = sqliteAppend(db)
  const consuming = new Set<Consuming>()
  const sending = new Set<Promise<unknown>>()
  let keyless = 0
  let lastError: StreamError | undefined
  let isBroken = false
  let isClosing = false
  let isClosed = false

  function onFailure(error: StreamError): void {
    lastError = error
    if (!isFinal(error)) return
    isBroken = true
    for (const one of consuming) one.fail(error)
  }

  const refuseAll = () =>
    isClosed ? 'closed' : isBroken ? (lastError?.reason ?? 'other') : undefined
  const sendContext = { append, now: settings.now, turn: () => keyless++, refuseAll, onFailure }
  const consumeContext = {
    ...settings,
    topics,
    watch,
    onFailure,
    groups: sqliteGroups(db),
    read: sqliteRead(db, topics),
    commit: groupCommit(db),
  }

  return {
    identity: async () => {
      const row = translated('identity', () =>
        db.prepare("SELECT value FROM meta WHERE key = 'uuid'").get(),
      )
      return String(row?.['value'])
    },
    ensureTopics: async (specs) => translated('ensureTopics', () => topics.ensure(specs)),
    watermarks: async (topic) => translated('watermarks', () => topics.watermarks(topic)),
    health: () => ({
      ok: !isBroken && !isClosed,
      detail: isClosed ? 'closed' : (lastError?.message ?? 'open'),
    }),

    async send(topicName, records, { deadlineMs }) {
      const reason = refuseAll()
      if (reason !== undefined) return records.map(() => ({ outcome: 'refused', reason }))
      const topic = translated('send', () => topics.find(topicName))
      if (!topic) return records.map(() => ({ outcome: 'refused', reason: 'no-topic' }))
      const sent = sendAll(sendContext, topic, records, deadlineMs)
      sending.add(sent)
      const results = await sent.finally(() => sending.delete(sent))
      if (results.some((result) => result.outcome === 'acked')) {
        watch.announce()
        if (!isBroken) lastError = undefined
      }
      return results
    },

    async subscribe(subscription) {
      if (isClosing || isBroken) {
        const reason = isClosing ? 'closed' : 'broken'
        throw new StreamError(`subscribe: expected a stream in order, got one that is ${reason}`, {
          reason,
        })
      }
      const one = translated('subscribe', () => consume(consumeContext, subscription))
      consuming.add(one)
      return {
        ...one,
        stop: async () => {
          await one.stop()
          consuming.delete(one)
        },
      }
    },

    async close({ deadlineMs }) {
      isClosing = true
      const finish = async () => {
        // Handlers may still send while they come to an end.
        await Promise.allSettled([...consuming].map((one) => one.stop()))
        await Promise.allSettled(sending)
      }
      await Promise.race([finish(), delay(deadlineMs, undefined, { ref: false })])
      isClosed = true
    },
  }
}

function translated<T>(where: string, work: () => T): T {
  try {
    return work()
  } catch (cause) {
    throw streamError(where, cause)
  }
}
