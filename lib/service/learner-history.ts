import { ConfigError } from '../errors.ts'
import { preprocessingHash } from '../image/fingerprint.ts'
import type { Preprocessing } from '../image/options.ts'
import type { Checkpoints, Loaded } from '../learn/checkpoint.ts'
import { withoutTraining } from '../learn/forget.ts'
import { emptyState, type LearnerState } from '../learn/state.ts'
import { stateOf } from '../learn/state-parts.ts'
import { digestOf } from '../registry/digest.ts'
import { topicNames } from '../stream/topics.ts'
import type { Baseline } from './baseline.ts'
import type { Beginning, Counts, LearnerMemory, LearnerParts } from './learner-memory.ts'
import { roundSettingsOf } from './settings.ts'
import type { VersionModel } from './version-model.ts'
import { warmModel } from './warm-start.ts'

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

const blank = { champion: undefined as unknown as VersionModel, progress: undefined }

/** A history that has a checkpoint goes on where that was written. */
function goOn(
  { config, labelled, beginning, onEvent }: LearnerParts,
  loaded: Loaded,
  settings: string,
): LearnerHistory {
  const { lineage } = config
  if (beginning.warmStart !== undefined || beginning.from !== undefined) {
    throw new ConfigError(
      `--warm-start, --from: expected a lineage without a checkpoint, ${lineage} has one; leave them out to resume it, or begin a new history with --lineage <name>`,
    )
  }
  const { head } = loaded.saved
  if (head.settings !== settings) {
    throw new ConfigError(
      `config: expected the image and backbone settings that lineage ${lineage} began with, got others; undo the change, or begin a new history with --lineage <name>`,
    )
  }
  if (loaded.fallback !== undefined) {
    const { from, to, damaged } = loaded.fallback
    const text = `checkpoint ${from} is damaged in ${damaged.join(', ')}: went back to checkpoint ${to}`
    onEvent({ event: 'note', text })
  }
  // Taken in before the user set them aside to judge.
  const judging = new Set(labelled?.ids)
  const trainable = (state: LearnerState) => withoutTraining(state, judging)
  const memory: LearnerMemory = {
    ...blank,
    state: trainable(stateOf(loaded.parts)),
    offsets: { ...head.offsets },
    counts: structuredClone(head.counts) as Counts,
    saved: loaded.saved,
    random: { rounds: Number(head.random['rounds'] ?? 0) },
    since: head.since,
    lastStart: head.lastStart,
  }
  return { memory, frozen: loaded.round && trainable(stateOf(loaded.round)) }
}

/** Where reading begins: nothing is said of a partition that is read from its first record on. */
async function firstOffsets({ pipeline }: LearnerParts, from: Beginning['from']) {
  if (from !== 'latest') return {}
  const marks = await pipeline.stream.watermarks(topicNames.unlabeled)
  return Object.fromEntries(marks.map(({ partition, high }) => [partition, high]))
}

/** A history that nothing is known of yet. */
async function begin(parts: LearnerParts): Promise<LearnerHistory> {
  const { pipeline, config, engine, thread, baseline, preprocessing } = parts
  const { warmStart, from } = parts.beginning
  const frozen = { files: baseline.files, mean: undefined, digest: baseline.digest }
  const student =
    warmStart === undefined
      ? undefined
      : await thread.call.warm({
          model: await warmModel(pipeline.registry, warmStart, preprocessing),
          settings: roundSettingsOf(config, engine, emptyState),
          preprocessing,
          baseline: frozen,
        })
  const memory: LearnerMemory = {
    ...blank,
    state: { ...emptyState, student },
    offsets: await firstOffsets(parts, from),
    counts: {},
    saved: undefined,
    random: { rounds: 0 },
    since: typeof from === 'number' ? from : undefined,
    lastStart: undefined,
  }
  return { memory, frozen: undefined }
}

/**
 * The learner's memory as its last checkpoint left it; at the first start of a lineage it begins
 * as it was asked to.
 *
 * @param settings - {@link settingsHash} of today.
 * @throws {@link ConfigError} if image, backbone or dimension changed under the same lineage, if
 * a beginning is given for a lineage that has begun, or if a warm start does not fit.
 */
export async function learnerHistory(
  parts: LearnerParts,
  checkpoints: Checkpoints,
  settings: string,
): Promise<LearnerHistory> {
  const loaded = await checkpoints.load()
  // Whatever an earlier learner still tries to publish fails from here on.
  await parts.pipeline.registry.candidate.adopt(parts.lease.fence)
  return loaded === undefined ? begin(parts) : goOn(parts, loaded, settings)
}
