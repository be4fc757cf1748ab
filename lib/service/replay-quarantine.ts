import { InputError, MissingError, StreamError } from '../errors.ts'
import { envelopeSchema, writeEnvelope } from '../stream/envelope.ts'
import { topicNames } from '../stream/topics.ts'
import type { OutRecord } from '../stream/types.ts'
import type { Pipeline } from './open-pipeline.ts'
import type { QuarantineEntry } from './read-quarantine.ts'

const sendDeadlineMs = 30_000

/** The record to send again. */
async function recordOf(pipeline: Pipeline, { id, record }: QuarantineEntry): Promise<OutRecord> {
  const { envelope, attempts, firstSeen, topic } = record
  const headers = { attempts: String(attempts), 'first-seen': firstSeen }
  if (topic === 'folder') {
    const path = String(envelope?.['path'] ?? 'the file')
    throw new InputError(
      `quarantine ${id}: expected a record of the log, got a file: mend ${path} and run again with its folder`,
    )
  }
  const parsed = envelopeSchema.safeParse(envelope)
  if (parsed.success) {
    const key = new TextEncoder().encode(parsed.data.sha256)
    return { key, value: writeEnvelope(parsed.data), headers }
  }
  const digest = envelope?.['sha256']
  const maxBytes = pipeline.config.stream.maxRecordBytes
  const value =
    typeof digest === 'string' && /^[0-9a-f]{64}$/.test(digest)
      ? await pipeline.blobs.get('quarantine', digest, { maxBytes })
      : undefined
  if (value === undefined) {
    throw new MissingError(
      `quarantine ${id}: expected an envelope or kept bytes to send again, got neither; send a corrected record`,
    )
  }
  const source = String(envelope?.['source'] ?? '')
  return { value, headers: { ...headers, ...(source !== '' && { source }) } }
}

/**
 * Sends a record that was set aside to the input once more, with its number of attempts.
 *
 * @throws {@link InputError} for a file of a folder, {@link MissingError} if nothing is left to
 * send, {@link StreamError} if the log does not take it.
 */
export async function replayQuarantined(pipeline: Pipeline, entry: QuarantineEntry): Promise<void> {
  const out = await recordOf(pipeline, entry)
  const [result] = await pipeline.stream.send(topicNames.unlabeled, [out], {
    deadlineMs: sendDeadlineMs,
  })
  if (result?.outcome === 'acked') return
  const got = result?.reason ?? 'no answer'
  throw new StreamError(`quarantine ${entry.id}: expected the log to take it, got ${got}`, {
    retryable: result?.outcome !== 'refused',
  })
}
