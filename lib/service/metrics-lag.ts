import type { Config } from '../config/schema.ts'
import { topicNames } from '../stream/topics.ts'
import type { StreamPort } from '../stream/types.ts'
import { partitionNumber } from './embedder-send.ts'
import type { Metrics } from './metrics.ts'

/** What the gauges of lag are taken from. */
export interface LagParts {
  readonly stream: Pick<StreamPort, 'watermarks'>
  readonly topic: string
  readonly metrics: Pick<Metrics, 'set'>
  /** First record of each partition that is not done with; absent: none is. */
  positions(): Readonly<Record<string, number>>
  /** How long records are kept, ms. */
  readonly retentionMs: number
  /** Monotonic clock, ms. */
  readonly now: () => number
}

/** An end of the log, and when it was first seen there. */
interface Sighting {
  readonly high: number
  readonly at: number
}

/** Sightings of a partition at most: beyond it each second one is given to the one before. */
const maxSightings = 1_000

/** Half as many; records then count as a little older than they are. */
function halved(sightings: readonly Sighting[]): Sighting[] {
  return sightings.flatMap((one, i) =>
    i % 2 === 0 ? [{ high: sightings[i + 1]?.high ?? one.high, at: one.at }] : [],
  )
}

/**
 * Gauges of the records that wait. When a record came is known from the looks at the end of the
 * log: those that were there before the first look count from then on.
 *
 * @returns Looks once, and sets the gauges.
 */
export function lagGauges(parts: LagParts): () => Promise<void> {
  const { stream, topic, metrics, retentionMs, now } = parts
  const seen = new Map<string, Sighting[]>()

  return async () => {
    const marks = await stream.watermarks(topic)
    const positions = parts.positions()
    for (const { partition, low, high } of marks) {
      const position = Math.max(low, positions[partition] ?? low)
      const waiting = (seen.get(partition) ?? []).filter((one) => one.high > position)
      if (high > Math.max(position, waiting.at(-1)?.high ?? 0)) waiting.push({ high, at: now() })
      seen.set(partition, waiting.length > maxSightings ? halved(waiting) : waiting)
      const [oldest] = waiting
      const ageMs = oldest === undefined ? 0 : now() - oldest.at
      const labels = { topic, partition: String(partitionNumber(partition)) }
      metrics.set('lag_records', labels, Math.max(0, high - position))
      metrics.set('lag_oldest_seconds', labels, ageMs / 1_000)
      metrics.set('retention_used_ratio', labels, ageMs / retentionMs)
    }
  }
}

const lookEveryMs = 15_000

/**
 * Keeps the gauges of the pictures that a role has still to take in.
 *
 * @returns Ends it.
 */
export function watchLag({
  config,
  ...parts
}: Pick<LagParts, 'stream' | 'metrics' | 'positions'> & {
  readonly config: Pick<Config, 'log'>
}): () => Promise<void> {
  const look = lagGauges({
    ...parts,
    topic: topicNames.unlabeled,
    retentionMs: config.log.retention.hours * 3_600_000,
    now: () => performance.now(),
  })
  // A stream that cannot be asked ends its role elsewhere; the gauges stay as they were.
  const looking = setInterval(() => void look().catch(() => undefined), lookEveryMs)
  return async () => clearInterval(looking)
}
