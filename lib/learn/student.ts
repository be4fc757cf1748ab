import type { Matrix } from '../engine/matrix.ts'
import { type LayersModel, tf } from '../engine/tf.ts'
import type { Preprocessing } from '../image/options.ts'
import { channelCount } from '../image/preprocessing.ts'
import { loadArtifact } from '../model/artifact.ts'
import { conv4 } from '../model/conv4.ts'
import { pcaHead, withHead } from '../model/head.ts'
import { cloneNetwork } from '../model/weights.ts'
import { headFeatures } from './head-features.ts'
import type { Pictures } from './pictures.ts'
import type { RoundSettings } from './recipe.ts'
import type { RoundModel } from './round-model.ts'
import type { StudentState } from './state.ts'
import type { TrainingOutcome } from './train.ts'
import { headTrainee, networkTrainee, type Trainee } from './trainee.ts'

/** A network ready to be trained, wherever the last round left it. */
export interface Student {
  readonly trainee: Trainee
  /** Names recipe and shape: weights of another one do not fit. */
  readonly architecture: string
  /** The optimiser's memory of earlier rounds. */
  readonly memory: TrainingOutcome['optimizer'] | undefined
  /** Embeddings that the first labels come from, when the student has learnt nothing yet. */
  readonly firstEmbeddings: Matrix | undefined
  /** The network from pictures to embeddings as it is now; a copy that the caller disposes. */
  publishable(): Promise<LayersModel>
  dispose(): void
}

/** What a student is made from. */
export interface StudentInput {
  readonly settings: RoundSettings
  readonly seed: number
  readonly preprocessing: Preprocessing
  readonly baseline: RoundModel
  readonly student: StudentState | undefined
}

/** What the optimiser remembers; nothing before its first step, as after a warm start. */
const memoryOf = (state: StudentState | undefined): TrainingOutcome['optimizer'] | undefined =>
  state === undefined || state.optimizerStep === 0
    ? undefined
    : { step: state.optimizerStep, first: state.first, second: state.second }

/** Names recipe and shape of a student: weights of another one do not fit. */
export function architectureOf({
  settings: { recipe, dim },
  preprocessing,
  baseline: { digest },
}: Pick<StudentInput, 'settings' | 'preprocessing' | 'baseline'>): string {
  if (recipe === 'finetune') return `finetune:${digest}`
  if (recipe === 'head') return `head:${digest}:${dim}`
  return `scratch:conv4:${preprocessing.size}x${channelCount(preprocessing)}:${dim}`
}

/** Trains all of a network: the baseline's own for `finetune`, a new one for `scratch`. */
async function wholeStudent(
  input: StudentInput,
  baseline: LayersModel,
  pictures: Pictures,
  ids: readonly string[],
): Promise<Student> {
  const { settings, preprocessing, seed } = input
  const isScratch = settings.recipe === 'scratch'
  const channels = channelCount(preprocessing)
  const network = isScratch
    ? conv4({ size: preprocessing.size, channels, dim: settings.dim, seed })
    : await loadArtifact(input.baseline.files)
  const architecture = architectureOf(input)
  const trainee = networkTrainee(network, pictures, ids, isScratch ? 'scratch' : 'finetune')
  const known = input.student?.architecture === architecture ? input.student : undefined
  if (known !== undefined) trainee.restore(known.weights)
  const firstEmbeddings =
    isScratch && known === undefined ? await pictures.embed(baseline, ids) : undefined
  return {
    trainee,
    architecture,
    memory: memoryOf(known),
    firstEmbeddings,
    publishable: () => cloneNetwork(network),
    dispose: () => network.dispose(),
  }
}

/** Trains a linear head on the features of the frozen baseline. */
async function headStudent(
  input: StudentInput,
  baseline: LayersModel,
  pictures: Pictures,
  ids: readonly string[],
): Promise<Student> {
  const { dim } = input.settings
  const architecture = architectureOf(input)
  const known = input.student?.architecture === architecture ? input.student : undefined
  const features = await headFeatures(baseline, pictures, ids)
  const width = Math.min(dim, features.views.dim)
  const input1 = tf.input({ shape: [features.views.dim] })
  const identity = tf.layers.activation({ activation: 'linear' }).apply(input1) as typeof input1
  const head = withHead(
    tf.model({ inputs: input1, outputs: identity }),
    width,
    await pcaHead(features.plain, width),
  )
  const trainee = headTrainee(head, features)
  if (known !== undefined) trainee.restore(known.weights)
  const composed = async () => {
    const [kernel, bias] = (await trainee.snapshot()) as [Float32Array, Float32Array]
    return withHead(await cloneNetwork(baseline), width, { kernel, bias })
  }
  return {
    trainee,
    architecture,
    memory: memoryOf(known),
    firstEmbeddings: known === undefined ? features.plain : undefined,
    publishable: composed,
    dispose: () => {
      trainee.dispose()
      head.dispose()
    },
  }
}

/**
 * The student of a round, where the last round left it, or new.
 *
 * @param baseline - The published baseline; it stays the caller's.
 * @param ids - Image ids in the order of the training set.
 */
export function startStudent(
  input: StudentInput,
  baseline: LayersModel,
  pictures: Pictures,
  ids: readonly string[],
): Promise<Student> {
  const start = input.settings.recipe === 'head' ? headStudent : wholeStudent
  return start(input, baseline, pictures, ids)
}
