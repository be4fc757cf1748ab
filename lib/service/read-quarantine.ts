import type { StreamError } from '../errors.ts'
import { type QuarantineRecord, readQuarantine } from '../stream/quarantine-record.ts'
import { topicNames } from '../stream/topics.ts'
import type { Partition, StreamPort } from '../stream/types.ts'

/** A record that was set aside, with its place in the topic as its id. */
export interface QuarantineEntry {
  /** Offset in the topic of records set aside. */
  readonly id: number
  readonly record: QuarantineRecord
}

const maxBatchBytes = 1 << 20

/**
 * All records set aside that the log still holds, oldest first.
 *
 * @param pipeline - Its name, for the group that reads.
 * @throws {@link StreamError} if the log fails.
 */
export async function readQuarantineTopic(
  stream: StreamPort,
  pipeline: string,
): Promise<readonly QuarantineEntry[]> {
  const marks = await stream.watermarks(topicNames.dead)
  const left = new Map(
    marks.filter(({ low, high }) => high > low).map((mark) => [mark.partition, mark.high]),
  )
  if (left.size === 0) return []
  const entries: QuarantineEntry[] = []
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const consumption = await stream.subscribe({
    topics: [topicNames.dead],
    group: `contrastream-${pipeline}-quarantine`,
    maxBatchBytes,
    onAssign: async (partitions) =>
      new Map(partitions.map((name): [Partition, 'earliest'] => [name, 'earliest'])),
    onRevoke: async () => undefined,
    onBatch: async ({ partition, records }) => {
      const high = left.get(partition)
      if (high === undefined) return
      const wanted = records.filter(({ offset }) => offset < high)
      entries.push(
        ...wanted.map(({ offset: id, value }) => ({ id, record: readQuarantine(value) })),
      )
      if ((records.at(-1)?.offset ?? 0) + 1 < high) return
      left.delete(partition)
      if (left.size === 0) resolve()
    },
    onFatal: (error: StreamError) => reject(error),
  })
  try {
    await promise
  } finally {
    await consumption.stop()
  }
  return entries.sort((a, b) => a.id - b.id)
}
