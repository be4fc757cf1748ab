import { logBytes, waitingSince } from '../stream/sqlite-log.ts'
import {
  planRetention,
  type Retained,
  type RetentionLimits,
  retain,
} from '../stream/sqlite-retention.ts'
import { topicNames } from '../stream/topics.ts'
import type { Pipeline } from './open-pipeline.ts'

/** What housekeeping asks of the log, and does to it. */
export interface HouseLog {
  /** Bytes of keys and values in all topics together. */
  bytes(): number
  /** What {@link HouseLog.retain} would drop now. */
  plan(limits: RetentionLimits): Promise<Retained>
  /** Drops what nobody needs. */
  retain(limits: RetentionLimits, assertMay: () => void): Promise<Retained>
  /** How long the oldest picture may have waited that somebody still has before him, in ms. */
  waitingMs(limits: RetentionLimits): number
}

const hourMs = 3_600_000
const untouched: Retained = { removed: 0, freed: 0, bytes: 0, isOver: false }

/** The log of a pipeline. Brokers drop by themselves what is older than `log.retention.hours`. */
export function houseLog({ config, database }: Pick<Pipeline, 'config' | 'database'>): HouseLog {
  if (config.stream.adapter === 'kafka') {
    return {
      bytes: () => 0,
      plan: async () => untouched,
      retain: async () => untouched,
      waitingMs: ({ retention }) => retention.hours * hourMs,
    }
  }
  return {
    bytes: () => logBytes(database),
    plan: (limits) => planRetention(database, limits),
    retain: (limits, assertMay) => retain(database, limits, assertMay),
    waitingMs: ({ applied, retention, now }) => {
      const needs = { applied, reportedSince: now - retention.hours * hourMs }
      return now - (waitingSince(database, topicNames.unlabeled, needs) ?? now)
    },
  }
}
