import type { StreamError } from '../errors.ts'
import type { InRecord, Partition, StreamPort } from '../stream/types.ts'

const maxBatchBytes = 1 << 20

/**
 * Reads all records that a topic holds when it is called, in order within each partition.
 *
 * @param group - Who reads; nothing is committed, so that every reading begins at the start.
 * @throws {@link StreamError} if the log fails.
 */
export async function readTopic(
  stream: StreamPort,
  topic: string,
  group: string,
  onRecords: (records: readonly InRecord[], partition: Partition) => void,
): Promise<void> {
  const marks = await stream.watermarks(topic)
  const left = new Map(
    marks.filter(({ low, high }) => high > low).map((mark) => [mark.partition, mark.high]),
  )
  if (left.size === 0) return
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const consumption = await stream.subscribe({
    topics: [topic],
    group,
    maxBatchBytes,
    onAssign: async (partitions) =>
      new Map(partitions.map((name): [Partition, 'earliest'] => [name, 'earliest'])),
    onRevoke: async () => undefined,
    onBatch: async ({ partition, records }) => {
      const high = left.get(partition)
      if (high === undefined) return
      onRecords(
        records.filter(({ offset }) => offset < high),
        partition,
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
}
