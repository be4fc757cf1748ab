import { ConfigError } from '../errors.ts'
import { preprocessingHash } from '../image/fingerprint.ts'
import type { Preprocessing } from '../image/options.ts'
import type { Checkpoints } from '../learn/checkpoint.ts'
import { withoutTraining } from '../learn/forget.ts'
import { emptyState, type LearnerState } from '../learn/state.ts'
import { stateOf } from '../learn/state-parts.ts'
import { digestOf } from '../registry/digest.ts'
import type { Baseline } from './baseline.ts'
import type { Counts, LearnerMemory, LearnerParts } from './learner-memory.ts'
import type { VersionModel } from './version-model.ts'

/** What a learner begins with. */
export interface LearnerHistory {
  readonly memory: LearnerMemory
  /** What a round that was interrupted had begun with. */
  readonly frozen: LearnerState | undefined
}

/** Hash of the settings that change what a vector means: another one needs another lineage. */
export function settingsHash(preprocessing: Preprocessing, baseline: Baseline): string {
  const text = `${preprocessingHash(preprocessing)} ${baseline.digest}`
  return digestOf(new TextEncoder().encode(text))
}

/**
 * The learner's memory as its last checkpoint left it; empty at the first start of a lineage.
 *
 * @param settings - {@link settingsHash} of today.
 * @throws {@link ConfigError} if image, backbone or dimension changed under the same lineage.
 */
export async function learnerHistory(
  { pipeline, config, lease, labelled, onEvent }: LearnerParts,
  checkpoints: Checkpoints,
  settings: string,
): Promise<LearnerHistory> {
  const loaded = await checkpoints.load()
  // Whatever an earlier learner still tries to publish fails from here on.
  await pipeline.registry.candidate.adopt(lease.fence)
  if (loaded !== undefined && loaded.saved.head.settings !== settings) {
    throw new ConfigError(
      `config: expected the image and backbone settings that lineage ${config.lineage} began with, got others; undo the change, or begin a new history with --lineage <name>`,
    )
  }
  if (loaded?.fallback !== undefined) {
    const { from, to, damaged } = loaded.fallback
    const text = `checkpoint ${from} is damaged in ${damaged.join(', ')}: went back to checkpoint ${to}`
    onEvent({ event: 'note', text })
  }
  const head = loaded?.saved.head
  // Taken in before the user set them aside to judge.
  const judging = new Set(labelled?.ids)
  const trainable = (state: LearnerState) => withoutTraining(state, judging)
  const memory: LearnerMemory = {
    state: loaded === undefined ? emptyState : trainable(stateOf(loaded.parts)),
    offsets: { ...head?.offsets },
    counts: structuredClone({ ...head?.counts }) as Counts,
    saved: loaded?.saved,
    champion: undefined as unknown as VersionModel,
    random: { rounds: Number(head?.random['rounds'] ?? 0) },
    lastStart: head?.lastStart,
    progress: undefined,
  }
  return { memory, frozen: loaded?.round && trainable(stateOf(loaded.round)) }
}
