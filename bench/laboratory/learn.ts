import { chooseK } from '../../lib/cluster/choose-k.ts'
import type { LayersModel } from '../../lib/engine/tf.ts'
import type { Objective } from '../../lib/learn/objective.ts'
import { type Pictures, picturesOf } from '../../lib/learn/pictures.ts'
import { type RoundSettings, roundSettings } from '../../lib/learn/recipe.ts'
import { startStudent } from '../../lib/learn/student.ts'
import { train } from '../../lib/learn/train.ts'
import { centreRows } from '../../lib/metric/centre.ts'
import { retrieval } from '../../lib/metric/retrieval.ts'
import { loadArtifact } from '../../lib/model/artifact.ts'
import type { Task } from './task.ts'

/** What one training differs in. */
export interface LearnOptions {
  readonly seed: number
  /** Rows that are trained on. */
  readonly rows: readonly number[]
  /** True labels in place of pseudo-labels; distinct pictures in place of views. */
  readonly isSupervised?: boolean
  readonly settings?: Partial<RoundSettings>
  /** In place of the pair loss of the settings. */
  readonly objective?: Objective
  /** Number of clusters; absent: chosen from the number of rows. */
  readonly k?: number
  /** Shown the network every so many steps, and at the end. */
  readonly watch?: {
    readonly every: number
    look(step: number, network: LayersModel): Promise<void>
  }
}

/** Pictures of a task, as networks take them. */
export function picturesFor(task: Task, seed: number): Pictures {
  const kind = task.name === 'omniglot' ? 'glyph' : 'photograph'
  return picturesOf(task.pixels, task.preprocessing, kind, seed)
}

/** Settings of a task: those of the product. */
function settingsFor(task: Task, replaced: Partial<RoundSettings> = {}): RoundSettings {
  const [recipe, augmentation] =
    task.name === 'omniglot'
      ? (['scratch', 'glyph'] as const)
      : (['finetune', 'photograph'] as const)
  return roundSettings(recipe, { augmentation, ...replaced })
}

/** The frozen backbone's network; the caller disposes it. */
export const frozen = (task: Task): Promise<LayersModel> => loadArtifact(task.baseline.files)

/**
 * Trains as a round does, without stream, gate or publishing.
 *
 * @returns The trained network, which the caller disposes.
 */
export async function learn(task: Task, options: LearnOptions): Promise<LayersModel> {
  const { seed, rows, isSupervised = false, watch } = options
  const base = settingsFor(task, options.settings)
  const settings = isSupervised ? { ...base, sampler: { ...base.sampler, views: 1 } } : base
  const ids = rows.map(String)
  const pictures = picturesFor(task, seed)
  const network = await frozen(task)
  const baseline = { files: task.baseline.files, mean: undefined, digest: task.baseline.digest }
  const input = { settings, seed, preprocessing: task.preprocessing, baseline, student: undefined }
  const student = await startStudent(input, network, pictures, ids)
  let step = 0
  const score = async () => {
    const seen = await student.publishable()
    await watch?.look(step, seen)
    seen.dispose()
    return new Float32Array(1) // No state counts as better than the last.
  }
  try {
    const outcome = await train(
      student.trainee,
      {
        ids,
        groups: Int32Array.from(rows.keys()),
        fresh: new Uint8Array(rows.length),
        ...(isSupervised && {
          labels: Int32Array.from(rows, (row) => task.labels[row] as number),
        }),
      },
      settings,
      {
        now: () => performance.now(),
        k: options.k ?? chooseK(rows.length),
        seed,
        round: 1,
        report: (progress) => {
          step = progress.step
        },
        ...(student.firstEmbeddings && { firstEmbeddings: student.firstEmbeddings }),
        ...(watch && { monitor: { every: watch.every, score } }),
      },
      options.objective,
    )
    if (outcome.ended === 'not-finite') throw new Error(`${task.name}: the loss was not finite`)
    return await student.publishable()
  } finally {
    student.dispose()
    network.dispose()
  }
}

/** Retrieval figures of some rows, by true class, centred on their mean. */
export async function measure(
  task: Task,
  network: LayersModel,
  rows: readonly number[],
): Promise<{ readonly mapAtR: number; readonly recallAt1: number }> {
  const vectors = await picturesFor(task, 0).embed(network, rows.map(String))
  const labels = Int32Array.from(rows, (row) => task.labels[row] as number)
  const { mapAtR, recallAt } = await retrieval(centreRows(vectors).matrix, labels)
  return { mapAtR, recallAt1: recallAt[1] ?? Number.NaN }
}
