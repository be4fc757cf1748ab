import type { Matrix } from '../engine/matrix.ts'
import {
  type LayersModel,
  type Tensor,
  type Tensor2D,
  type Tensor4D,
  tf,
  type Variable,
} from '../engine/tf.ts'
import { encode } from '../model/encoder.ts'
import type { Recipe } from '../model/options.ts'
import { readWeights, trainableVariables, trainsNorms, writeWeights } from '../model/weights.ts'
import { type HeadFeatures, headViews } from './head-features.ts'
import type { Pictures } from './pictures.ts'
import type { SampledBatch } from './sampler.ts'

/** A network in training, with the inputs that its recipe feeds it. */
export interface Trainee {
  readonly network: LayersModel
  readonly variables: readonly Variable[]
  /** Inputs of a batch; the caller disposes them. */
  inputs(batch: SampledBatch, step: number): Promise<Tensor>
  /** Student embeddings of inputs, differentiable, shape [batch, dim], unit rows. */
  embed(inputs: Tensor): Tensor2D
  /** Embeddings of every picture's plain view, in order, shape [n, dim], unit rows. */
  embedAll(): Promise<Matrix>
  /** Copies of all weights, and back. */
  snapshot(): Promise<Float32Array[]>
  restore(weights: readonly Float32Array[]): void
  /** Frees what it holds beside the network. */
  dispose(): void
}

/**
 * A network that is trained on pictures: the recipes `scratch` and `finetune`.
 *
 * @param ids - Image ids in the order of the training set.
 */
export function networkTrainee(
  network: LayersModel,
  pictures: Pictures,
  ids: readonly string[],
  recipe: Exclude<Recipe, 'head'>,
): Trainee {
  const training = trainsNorms(recipe)
  return {
    network,
    variables: trainableVariables(network, recipe),
    inputs: (batch, step) => {
      const shown = Array.from(batch.pictures, (picture) => ids[picture] as string)
      return pictures.varied(shown, Array.from(batch.views), step)
    },
    embed: (inputs) => encode(network, inputs as Tensor4D, { training }),
    embedAll: () => pictures.embed(network, ids),
    snapshot: () => readWeights(network),
    restore: (weights) => writeWeights(network, weights),
    dispose: () => undefined,
  }
}

/**
 * A linear head that is trained on a frozen backbone's features: the recipe `head`.
 *
 * @param head - From features, shape [batch, features], to embeddings.
 */
export function headTrainee(head: LayersModel, { views }: HeadFeatures): Trainee {
  const table = tf.tensor2d(views.data, [views.rows, views.dim]) // [n × views, features]
  const n = views.rows / headViews
  const rows = (of: (i: number) => number, count: number) =>
    tf.tidy(() =>
      tf.gather(table, tf.tensor1d(Int32Array.from({ length: count }, (_, i) => of(i)))),
    ) // [count, features]
  return {
    network: head,
    variables: trainableVariables(head, 'head'),
    inputs: async ({ pictures, views: shown }, step) => {
      const viewOf = (i: number) => ((shown[i] as number) + step) % headViews
      return rows((i) => (pictures[i] as number) * headViews + viewOf(i), pictures.length)
    },
    embed: (inputs) => encode(head, inputs as Tensor4D),
    embedAll: async () => {
      const embeddings = tf.tidy(() =>
        encode(head, rows((i) => i * headViews, n) as Tensor as Tensor4D),
      ) // [n, dim]
      const dim = embeddings.shape[1]
      const data = (await embeddings.data()) as Float32Array
      embeddings.dispose()
      return { rows: n, dim, data }
    },
    snapshot: () => readWeights(head),
    restore: (weights) => writeWeights(head, weights),
    dispose: () => table.dispose(),
  }
}
