import type { LearnerState } from '../../learn/state.ts'
import { headKey } from '../../registry/checkpoint-head.ts'
import type { Tag } from '../../store/types.ts'
import type { Pipeline } from '../open-pipeline.ts'
import { readState } from '../read-state.ts'

/** The learner's last checkpoint, read once for as long as there is no newer one. */
export type StateReader = () => Promise<LearnerState>

/**
 * Reads checkpoints for those who look, and keeps the last one.
 *
 * @throws from its calls, {@link MissingError} if there is none yet.
 */
export function stateReader(pipeline: Pipeline): StateReader {
  const { documents, config } = pipeline
  let kept: { readonly tag: Tag; readonly state: Promise<LearnerState> } | undefined
  return async () => {
    const found = await documents.read(headKey(config.lineage), kept?.tag)
    if (found === 'unchanged' && kept !== undefined) return kept.state
    // Read again rather than from what was found: a newer one may stand there by now.
    const state = readState(pipeline).then((read) => read.state)
    if (found === undefined || found === 'unchanged') return state
    const mine = { tag: found.tag, state }
    kept = mine
    state.catch(() => {
      if (kept === mine) kept = undefined
    })
    return state
  }
}
