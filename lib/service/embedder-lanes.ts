import type { StreamError } from '../errors.ts'
import { entered, furthest } from '../search/enter.ts'
import { eraseFrom } from '../search/erase.ts'
import { blockRows } from '../search/options.ts'
import { sealRows } from '../search/seal.ts'
import { topicNames } from '../stream/topics.ts'
import type { Batch, Consumption, Partition, StartAt, Watermark } from '../stream/types.ts'
import { type EmbedderContext, limitsOf, workingOn } from './embedder-context.ts'
import type { WorkingGeneration } from './embedder-generation.ts'
import { partitionNumber } from './embedder-send.ts'
import { applyRecords, type Lane, sealable } from './embedder-tail.ts'
import { quarantine } from './quarantine.ts'

/** New records on their way into the generations at work. */
export interface EmbedderLanes {
  /** Records behind the end of the log, as last seen; absent while no partition is assigned. */
  readonly lag: number | undefined
  /** Begins to take records in, if it does not yet. */
  start(): Promise<void>
  /** Seals what waits; to be called exclusively. `olderThanMs`: only what has waited so long. */
  seal(olderThanMs?: number): Promise<void>
  /**
   * Has generations take part that do not yet; to be called exclusively, after a seal.
   *
   * @returns Whether one wants records that have passed: then start anew, and they come again.
   */
  enter(): Promise<boolean>
  /** Writes blocks again without pictures that were erased; to be called exclusively. */
  erase(ids: ReadonlySet<string>): Promise<void>
  /** Ends the subscription, without sealing. */
  stop(): Promise<void>
}

/** Pictures that are decoded, embedded and sent at once. */
const appliedAtOnce = 64
const maxBatchBytes = 1 << 20

/**
 * The lanes of an embedder: one a partition that it owns.
 *
 * @param onFatal - Told of what the stream could not recover from.
 */
export function embedderLanes(
  context: EmbedderContext,
  onFatal: (error: StreamError) => void,
): EmbedderLanes {
  const { parts, options, all, counts, exclusively } = context
  const { stream, registry, clock } = parts
  const { blobs } = registry
  const lanes = new Map<Partition, Lane>()
  const aside = quarantine(stream, topicNames.dead, 'embed', parts.now)
  const reader = {
    blobs,
    quarantine: aside,
    elsewhere: parts.elsewhere,
    maxBytes: options.maxPictureBytes,
    isErased: (id: string) => context.erased.has(id),
  }
  let consumption: Consumption | undefined

  const sealLane = async (mine: Lane): Promise<void> => {
    for (const one of workingOn(context)) {
      const { partition } = mine
      const { next, follow } = one.document
      const present = { next: one.next(partition), follow: follow[partition] ?? 0 }
      const rows = sealable(mine, one.id, present)
      if (rows === undefined || next[partition] === undefined) continue
      one.document = await sealRows(blobs, all, one.document, rows, limitsOf(context))
      mine.rows.delete(one.id)
    }
    mine.sealedAt = clock.now()
    const done = Math.min(...workingOn(context).map((one) => one.next(mine.partition)))
    if (Number.isFinite(done)) consumption?.reportProgress(mine.partition, done)
  }
  const seal = async (olderThanMs = 0): Promise<void> => {
    for (const mine of lanes.values()) {
      if (clock.now() - mine.sealedAt >= olderThanMs) await sealLane(mine)
    }
  }

  /** Has a generation take over, in one partition, what others know of it. */
  const enterOne = async (
    one: WorkingGeneration,
    partition: Partition,
    { low, follow }: { low: number; follow: number },
  ): Promise<void> => {
    const others = (await all.list()).filter(({ id }) => id !== one.id)
    const start = { partition, next: low, follow }
    one.document = await all.update(one.id, (present) =>
      entered(present, furthest(others, partition), start),
    )
  }
  const marksOf = async (partition: Partition) => {
    const [records, vectors] = await Promise.all(
      [topicNames.unlabeled, topicNames.embedded].map((topic) => stream.watermarks(topic)),
    )
    const number = partitionNumber(partition)
    const at = (marks: readonly Watermark[] | undefined) =>
      marks?.find((mark) => partitionNumber(mark.partition) === number)
    const { low = 0, high = 0 } = at(records) ?? {}
    return { low, high, follow: at(vectors)?.high ?? 0 }
  }
  const enter = async (): Promise<boolean> => {
    let isBehind = false
    for (const { partition, position } of lanes.values()) {
      const marks = await marksOf(partition)
      for (const one of workingOn(context)) await enterOne(one, partition, marks)
      isBehind ||= workingOn(context).some((one) => one.next(partition) < position)
    }
    return isBehind
  }

  /** Writes the blocks of a partition again without some pictures, whoever needs them. */
  const eraseIn = async (partition: Partition, ids: ReadonlySet<string>): Promise<void> => {
    if (ids.size === 0) return
    for (const generation of await all.list()) {
      const erased = await eraseFrom(blobs, all, generation, partition, ids)
      const working = workingOn(context).find(({ id }) => id === generation.id)
      if (working !== undefined) working.document = erased
    }
    await parts.onErased(partition, ids)
  }

  const onAssign = (partitions: readonly Partition[]) =>
    exclusively(async () => {
      const starts = new Map<Partition, StartAt>()
      for (const partition of partitions) {
        const marks = await marksOf(partition)
        for (const one of workingOn(context)) await enterOne(one, partition, marks)
        const wanted = Math.min(...workingOn(context).map((one) => one.next(partition)))
        if (wanted < marks.low) {
          const text = `${partition}: records ${wanted} to ${marks.low - 1} left the log before they were embedded`
          parts.onEvent({ event: 'note', text })
        }
        const from = Math.max(wanted, marks.low)
        const { high } = marks
        const [sent, sealedAt, rows] = [undefined, clock.now(), new Map()]
        lanes.set(partition, { partition, position: from, high, sent, sealedAt, rows })
        starts.set(partition, from)
        await eraseIn(partition, context.erased)
      }
      return starts
    })
  const onRevoke = (partitions: readonly Partition[], why: 'revoked' | 'lost') =>
    exclusively(async () => {
      for (const partition of partitions) {
        const mine = lanes.get(partition)
        if (mine !== undefined && why === 'revoked') await sealLane(mine)
        drop(partition)
      }
    })
  /** Forgets a lane; what was not sealed comes again, to whoever owns the partition then. */
  const drop = (partition: Partition): void => {
    for (const one of workingOn(context)) {
      for (const { id } of lanes.get(partition)?.rows.get(one.id) ?? []) one.known.delete(id)
    }
    lanes.delete(partition)
  }

  const apply = async (mine: Lane, records: Batch['records']): Promise<void> => {
    const done = await applyRecords({ stream, reader }, mine, workingOn(context), records)
    counts.embedded += done.embedded
    counts.duplicates += done.duplicates
    counts.erased += done.erased
    counts.quarantined += done.quarantined
    const waiting = Math.max(0, ...[...mine.rows.values()].map(({ length }) => length))
    if (waiting >= blockRows) await sealLane(mine)
  }
  const onBatch = async (batch: Batch, signal: AbortSignal): Promise<void> => {
    const { partition, high } = batch
    for (let at = 0; at < batch.records.length; at += appliedAtOnce) {
      await exclusively(async () => {
        const mine = lanes.get(partition)
        if (signal.aborted || mine === undefined) return
        const some = batch.records.slice(at, at + appliedAtOnce)
        const left = some.filter(({ offset }) => offset >= mine.position)
        await apply(mine, left)
        mine.high = high
      })
    }
  }

  return {
    get lag() {
      const behind = [...lanes.values()].map(({ high, position }) => Math.max(0, high - position))
      return behind.length === 0 ? undefined : behind.reduce((sum, one) => sum + one)
    },
    start: async () => {
      consumption ??= await stream.subscribe({
        topics: [topicNames.unlabeled],
        group: parts.group,
        maxBatchBytes,
        onAssign,
        onRevoke,
        onBatch,
        onFatal,
      })
    },
    seal,
    enter,
    erase: async (ids) => {
      for (const { partition, rows } of lanes.values()) {
        for (const [id, waiting] of rows) {
          rows.set(
            id,
            waiting.filter((row) => !ids.has(row.id)),
          )
        }
        await eraseIn(partition, ids)
      }
    },
    stop: async () => {
      const old = consumption
      consumption = undefined
      for (const partition of [...lanes.keys()]) drop(partition)
      await old?.stop()
    },
  }
}
