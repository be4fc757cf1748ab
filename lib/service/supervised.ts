import { setImmediate as breathe } from 'node:timers/promises'
import type { Config } from '../config/schema.ts'
import type { Engine } from '../engine/select.ts'
import { InputError } from '../errors.ts'
import { preprocessingHash } from '../image/fingerprint.ts'
import type { Preprocessing } from '../image/options.ts'
import { pixelBytes } from '../image/preprocessing.ts'
import type { Objective } from '../learn/objective.ts'
import { picturesOf } from '../learn/pictures.ts'
import { emptyState } from '../learn/state.ts'
import { startStudent } from '../learn/student.ts'
import { train } from '../learn/train.ts'
import { centreRows } from '../metric/centre.ts'
import { loadArtifact, saveArtifact, writeModelFolder } from '../model/artifact.ts'
import { makeBaseline } from './baseline.ts'
import { backboneCacheFolder } from './cache-folder.ts'
import { centred, type Figures, figuresOf } from './evaluate.ts'
import { preprocessingOf, roundSettingsOf } from './settings.ts'
import { floatBytes, meanFile } from './version-model.ts'

/** What supervised training needs. */
export interface SupervisedInput {
  readonly config: Config
  readonly engine: Engine
  /** Decodes the labelled pictures; labels are class numbers, one a picture. */
  readonly decode: (
    preprocessing: Preprocessing,
  ) => Promise<{ readonly pixels: Uint8Array; readonly labels: Int32Array }>
  /** Folder of the result; absent: nothing is written. */
  readonly out?: string
  /** Classes that are measured and never trained; default every fifth. */
  readonly isHeldOut?: (label: number) => boolean
  /** In place of the configured loss. */
  readonly objective?: Objective
  readonly report?: (text: string) => void
  readonly signal?: AbortSignal
}

/** What came of it. */
export interface SupervisedResult {
  readonly steps: number
  readonly seconds: number
  readonly trainClasses: number
  readonly heldOutClasses: number
  /** On the held-out classes. */
  readonly figures: Figures
  readonly baseline: Figures
}

/** Every fifth class is measured and never trained. */
const everyFifth = (label: number): boolean => label % 5 === 4

/**
 * Trains on true labels: same kernel, recipes and sampler, distinct pictures in place of views.
 *
 * @throws {@link InputError} if fewer than two classes are left to train.
 */
export async function trainSupervised(input: SupervisedInput): Promise<SupervisedResult> {
  const { config, engine, report = () => undefined } = input
  const isHeldOut = input.isHeldOut ?? everyFifth
  const baseline = await makeBaseline(
    {
      backbone: config.model.backbone,
      size: config.image.size === 'auto' ? 28 : config.image.size,
      channels: config.image.channels,
      cacheFolder: backboneCacheFolder(),
    },
    report,
  )
  const preprocessing = preprocessingOf(config, engine, baseline)
  const { pixels, labels } = await input.decode(preprocessing)
  const each = pixelBytes(preprocessing)
  const rows = [...labels.keys()]
  const trained = rows.filter((row) => !isHeldOut(labels[row] as number))
  const measured = rows.filter((row) => isHeldOut(labels[row] as number))
  const labelsOf = (some: readonly number[]) =>
    Int32Array.from(some, (row) => labels[row] as number)
  const trainClasses = new Set(labelsOf(trained)).size
  if (trainClasses < 2) {
    throw new InputError(`train: expected at least 2 classes to train, got ${trainClasses}`)
  }
  const source = {
    read: async (ids: readonly string[]) => {
      const result = new Uint8Array(ids.length * each)
      for (const [i, id] of ids.entries()) {
        const row = Number(id)
        result.set(pixels.subarray(row * each, (row + 1) * each), i * each)
      }
      return result
    },
  }
  const state = { ...emptyState, seen: { ...emptyState.seen, applied: 1e9 } }
  const base = roundSettingsOf(config, engine, state)
  const settings = { ...base, sampler: { ...base.sampler, views: 1 } }
  const pictures = picturesOf(source, preprocessing, settings.augmentation, config.seed)
  const frozen = await loadArtifact(baseline.files)
  const ids = trained.map(String)
  const model = { files: baseline.files, mean: undefined, digest: baseline.digest }
  const student = await startStudent(
    { settings, seed: config.seed, preprocessing, baseline: model, student: undefined },
    frozen,
    pictures,
    ids,
  )
  let told = 0
  try {
    const outcome = await train(
      student.trainee,
      {
        ids,
        groups: Int32Array.from(trained.keys()),
        fresh: new Uint8Array(ids.length),
        labels: labelsOf(trained),
      },
      settings,
      {
        now: () => performance.now(),
        k: trainClasses,
        seed: config.seed,
        round: 0,
        ...(input.signal && { signal: input.signal }),
        report: async ({ step, steps, loss, valid }) => {
          if (step < told + 100) return
          told = step
          await breathe() // else no signal would be heard
          report(
            `train   ${step}/${steps} · loss ${loss.toFixed(3)} · valid ${Math.round(100 * valid)} %`,
          )
        },
      },
      input.objective,
    )
    const network = await student.publishable()
    const { mean } = centreRows(await pictures.embed(network, ids))
    const shown = measured.map(String)
    const truth = labelsOf(measured)
    const vectors = centreRows(await pictures.embed(network, shown), mean).matrix
    const figures = await figuresOf(vectors, truth)
    const before = await figuresOf(centred(await pictures.embed(frozen, shown)), truth)
    if (input.out !== undefined) {
      const manifest = {
        preprocessing: { hash: preprocessingHash(preprocessing), settings: preprocessing },
        dim: vectors.dim,
        centred: true,
      }
      await writeModelFolder(input.out, {
        ...(await saveArtifact(network)),
        [meanFile]: floatBytes(mean),
        'export.json': new TextEncoder().encode(`${JSON.stringify(manifest, undefined, 2)}\n`),
      })
    }
    network.dispose()
    return {
      steps: outcome.steps,
      seconds: outcome.seconds,
      trainClasses,
      heldOutClasses: new Set(truth).size,
      figures,
      baseline: before,
    }
  } finally {
    student.dispose()
    frozen.dispose()
  }
}
