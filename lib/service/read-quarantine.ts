import { type QuarantineRecord, readQuarantine } from '../stream/quarantine-record.ts'
import { topicNames } from '../stream/topics.ts'
import type { StreamPort } from '../stream/types.ts'
import { readTopic } from './read-topic.ts'

/** A record that was set aside, with its place in the topic as its id. */
export interface QuarantineEntry {
  /** Offset in the topic of records set aside. */
  readonly id: number
  readonly record: QuarantineRecord
}

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
  const entries: QuarantineEntry[] = []
  const group = `contrastream-${pipeline}-quarantine`
  await readTopic(stream, topicNames.dead, group, (records) => {
    entries.push(...records.map(({ offset: id, value }) => ({ id, record: readQuarantine(value) })))
  })
  return entries.sort((a, b) => a.id - b.id)
}
