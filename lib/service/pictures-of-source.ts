import { imageId } from '../image/fingerprint.ts'
import { heldOutPictures } from '../learn/held-out.ts'
import type { LearnerState } from '../learn/state.ts'
import { readImageRecord } from '../stream/envelope.ts'
import { topicNames } from '../stream/topics.ts'
import type { InRecord } from '../stream/types.ts'
import type { Pipeline } from './open-pipeline.ts'
import { readQuarantineTopic } from './read-quarantine.ts'
import { readTopic } from './read-topic.ts'

/**
 * Ids of the pictures of a source that somebody still knows to be of it: the learner, the log, or
 * the records set aside. The index alone knows no sources.
 *
 * @param state - The learner's; absent before its first checkpoint.
 * @throws {@link StreamError} if the log fails.
 */
export async function picturesOfSource(
  { stream, config }: Pick<Pipeline, 'stream' | 'config'>,
  state: LearnerState | undefined,
  source: string,
): Promise<ReadonlySet<string>> {
  const ids = new Set<string>()
  if (state !== undefined) {
    const known = [...state.buffer.entries.values(), ...heldOutPictures(state.heldOut)]
    for (const picture of known) if (picture.source === source) ids.add(picture.id)
    for (const { id } of state.seen.recent.get(source) ?? []) ids.add(id)
  }
  const group = `contrastream-${config.name}-forget`
  await readTopic(stream, topicNames.unlabeled, group, (records) => {
    for (const record of records) {
      const named = pictureOf(record)
      if (named?.source === source) ids.add(named.id)
    }
  })
  for (const { record } of await readQuarantineTopic(stream, config.name)) {
    const { sha256, source: from } = record.envelope ?? {}
    if (from === source && typeof sha256 === 'string') ids.add(sha256)
  }
  return ids
}

/** The picture that a record brings; `undefined` for one that brings none. */
function pictureOf(record: InRecord): { readonly id: string; readonly source: string } | undefined {
  try {
    const read = readImageRecord(topicNames.unlabeled, record)
    if (read.kind === 'envelope') return { id: read.envelope.sha256, source: read.envelope.source }
    return { id: imageId(read.picture.bytes), source: read.picture.source }
  } catch {
    return undefined
  }
}
