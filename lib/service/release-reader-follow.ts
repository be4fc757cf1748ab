import type { Matrix } from '../engine/matrix.ts'
import type { StreamError } from '../errors.ts'
import type { Stamp } from '../search/types.ts'
import { topicNames } from '../stream/topics.ts'
import type { InRecord, Partition, StartAt, StreamPort } from '../stream/types.ts'
import { partitionNumber } from './embedder-send.ts'
import { bytesToFloats } from './version-model.ts'

/** The vectors of one version, as they come. */
export interface Following {
  /** Resolves when everything is read that was sent before this call. */
  caughtUp(): Promise<void>
  stop(): Promise<void>
}

/** What to follow. */
export interface FollowOptions extends Stamp {
  readonly dim: number
  readonly group: string
  /** Where to begin, by partition of the pictures; a partition that it does not name: at the low mark. */
  readonly from: Readonly<Record<string, number>>
  /** Told of vectors of this version; others are passed over. */
  onVectors(ids: readonly string[], vectors: Matrix): Promise<unknown>
  onFatal(error: StreamError): void
}

const maxBatchBytes = 4 << 20

/** Reads the topic of vectors from where a generation's blocks end. */
export async function followVectors(
  stream: StreamPort,
  { version, preprocessingHash, dim, group, from, onVectors, onFatal }: FollowOptions,
): Promise<Following> {
  const topic = topicNames.embedded
  const positions = new Map<Partition, number>()
  let stopped: Promise<void> | undefined
  const waiting = new Set<{ readonly goals: ReadonlyMap<Partition, number>; done(): void }>()
  const wake = (): void => {
    for (const one of waiting) {
      const isThere = [...one.goals].every(([p, goal]) => (positions.get(p) ?? -1) >= goal)
      if (!isThere) continue
      waiting.delete(one)
      one.done()
    }
  }
  const starts = Object.entries(from).map(([p, offset]) => [partitionNumber(p), offset] as const)
  const startOf = new Map(starts)
  const isOurs = ({ headers, value }: InRecord): boolean =>
    headers['model'] === version &&
    headers['preprocessing'] === preprocessingHash &&
    value.length === 4 * dim

  const consumption = await stream.subscribe({
    topics: [topic],
    group,
    maxBatchBytes,
    onAssign: async (partitions) => {
      const marks = await stream.watermarks(topic)
      const all = new Map<Partition, StartAt>()
      for (const partition of partitions) {
        const low = marks.find((one) => one.partition === partition)?.low ?? 0
        const at = Math.max(low, startOf.get(partitionNumber(partition)) ?? low)
        positions.set(partition, at)
        all.set(partition, at)
      }
      wake()
      return all
    },
    onRevoke: async () => undefined,
    onBatch: async ({ partition, records }) => {
      const ours = records.filter(isOurs)
      if (ours.length > 0) {
        const ids = ours.map(({ key }) => new TextDecoder().decode(key))
        const data = new Float32Array(ours.length * dim)
        for (const [row, { value }] of ours.entries()) data.set(bytesToFloats(value), row * dim)
        await onVectors(ids, { rows: ours.length, dim, data })
      }
      const next = (records.at(-1)?.offset ?? -1) + 1
      positions.set(partition, next)
      consumption.reportProgress(partition, next)
      wake()
    },
    onFatal,
  })
  return {
    caughtUp: async () => {
      const marks = await stream.watermarks(topic)
      const goals = new Map(marks.map(({ partition, high }) => [partition, high]))
      await new Promise<void>((done) => {
        waiting.add({ goals, done })
        wake()
      })
    },
    stop: () => {
      stopped ??= consumption.stop()
      return stopped
    },
  }
}
