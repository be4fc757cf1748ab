import { type LayersModel, type Tensor, tf, type Variable } from '../engine/tf.ts'
import { ArtifactError, ConfigError } from '../errors.ts'
import { headName } from './head.ts'
import type { Recipe } from './options.ts'

/**
 * Copy of every weight of a network, running statistics of batch norms included.
 *
 * @returns One array a weight, in the network's own order; nothing is shared with the network.
 */
export async function readWeights(network: LayersModel): Promise<Float32Array[]> {
  return Promise.all(
    network.weights.map(async (weight) => Float32Array.from(await weight.read().data())),
  )
}

/**
 * Puts weights back that {@link readWeights} took from a network of the same shape.
 *
 * @throws {@link ArtifactError} if their number or the length of one differs; then none is written.
 */
export function writeWeights(network: LayersModel, values: readonly Float32Array[]): void {
  const expected = network.weights.map(({ shape }) => tf.util.sizeFromShape(shape as number[]))
  const fits = (i: number) => values[i]?.length === expected[i]
  if (values.length !== expected.length || !expected.every((_, i) => fits(i))) {
    const got = values.map((value) => value.length)
    throw new ArtifactError(`writeWeights: expected weights of ${expected}, got ${got}`)
  }
  tf.tidy(() => {
    const tensors = network.weights.map(({ shape }, i) =>
      tf.tensor(values[i] as Float32Array, shape as number[]),
    )
    network.setWeights(tensors as Tensor[])
  })
}

/**
 * What an optimiser moves: for `head` the layer of {@link withHead} alone, else every weight except
 * the running statistics of batch norms.
 *
 * @returns The network's own variables, in its order: not to be disposed.
 * @throws {@link ConfigError} if the recipe is `head` and the network has none.
 */
export function trainableVariables(network: LayersModel, recipe: Recipe): Variable[] {
  const layers =
    recipe === 'head'
      ? network.layers.filter((layer) => layer.name === headName)
      : network.layers.filter((layer) => layer.trainable)
  const weights = layers.flatMap((layer) => layer.trainableWeights)
  if (weights.length === 0) {
    const wanted = recipe === 'head' ? `a layer named ${headName}` : 'weights to train'
    throw new ConfigError(`trainableVariables: ${recipe} needs ${wanted}, got none`)
  }
  return weights.map((weight) => weight.read() as Variable)
}

/** Whether a recipe lets batch norms use and update the statistics of each batch. */
export function trainsNorms(recipe: Recipe): boolean {
  return recipe === 'scratch'
}

/**
 * A network of the same layers with weights of its own.
 *
 * @param network - It stays as it is, and the caller's.
 * @returns The caller disposes it.
 */
export async function cloneNetwork(network: LayersModel): Promise<LayersModel> {
  const topology = network.toJSON(undefined, false) as Parameters<typeof tf.models.modelFromJSON>[0]
  const copy = await tf.models.modelFromJSON(topology)
  // Owned by the layers of `network`: read, not disposed.
  copy.setWeights(network.getWeights())
  return copy
}
