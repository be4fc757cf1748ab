import { StreamError } from '../errors.ts'
import type { PictureRow } from '../search/seal.ts'
import type { Stamp } from '../search/types.ts'
import { topicNames } from '../stream/topics.ts'
import type { OutRecord, StreamPort } from '../stream/types.ts'
import { floatBytes } from './version-model.ts'

const sendDeadlineMs = 30_000

/** Vectors as records of the topic of vectors. */
export function vectorRecords(
  { version, preprocessingHash }: Stamp,
  rows: readonly PictureRow[],
  partition: number,
): OutRecord[] {
  return rows.map(({ id, vector }) => ({
    key: new TextEncoder().encode(id),
    value: floatBytes(vector),
    headers: { model: version, preprocessing: preprocessingHash },
    partition,
  }))
}

/**
 * Sends records to the topic of vectors.
 *
 * @returns The place behind the last of them; absent without any.
 * @throws {@link StreamError}, retryable, unless all are acknowledged.
 */
export async function sendAll(
  stream: StreamPort,
  records: readonly OutRecord[],
): Promise<number | undefined> {
  if (records.length === 0) return undefined
  const topic = topicNames.embedded
  const results = await stream.send(topic, records, { deadlineMs: sendDeadlineMs })
  const offsets = results.map((result) => {
    if (result.outcome === 'acked') return result.offset
    throw new StreamError(
      `${topic}: expected every vector to be acknowledged, got ${result.outcome} (${result.reason})`,
      { retryable: true },
    )
  })
  return Math.max(...offsets) + 1
}

/** Number of a partition. */
export function partitionNumber(partition: string): number {
  return Number(partition.slice(partition.lastIndexOf('/') + 1))
}
