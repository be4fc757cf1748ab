import { CheckpointError, MissingError } from '../errors.ts'
import type { LearnerState } from '../learn/state.ts'
import { stateOf } from '../learn/state-parts.ts'
import { readParts } from '../learn/stored-parts.ts'
import { type CheckpointHead, checkpointKind, headKey } from '../registry/checkpoint-head.ts'
import { readDocument, readFound } from '../registry/document.ts'
import type { Pipeline } from './open-pipeline.ts'

/** A learner's last checkpoint, as others read it: no lease, nothing is written. */
export interface ReadState {
  readonly head: CheckpointHead
  readonly state: LearnerState
}

/**
 * Reads the last checkpoint of the configured lineage.
 *
 * @throws {@link MissingError} if there is none; {@link CheckpointError} if it is damaged.
 */
export async function readState({ config, documents, blobs }: Pipeline): Promise<ReadState> {
  const key = headKey(config.lineage)
  const found = await readFound(documents, key)
  if (found === undefined) {
    throw new MissingError(`${key}: expected a checkpoint, there is none; \`run\` makes one`)
  }
  const head = readDocument(key, found.value, checkpointKind)
  const read = await readParts(blobs, head)
  if ('damaged' in read) {
    throw new CheckpointError(
      `${key}: expected intact parts, got ${read.damaged.join(', ')} damaged`,
    )
  }
  return { head, state: stateOf(read.parts) }
}
