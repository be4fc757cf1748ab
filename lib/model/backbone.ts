import { type LayersModel, tf } from '../engine/tf.ts'
import { ArtifactError } from '../errors.ts'
import type { SymbolicTensor } from './inverted-residual.ts'
import type { Normalisation } from './options.ts'

/** A network that somebody else trained, and how its pictures must look. */
export interface Backbone extends Normalisation {
  /** From normalised pictures, shape [batch, height, width, channels], to rows, [batch, dim]. */
  readonly network: LayersModel
  /** Width of the rows. */
  readonly dim: number
  readonly channels: 'rgb' | 'grey'
  /** Side of the pictures in pixels where the network takes one size only. */
  readonly size: number | undefined
  /** Digest of the files: another one is another backbone. 64 hex characters. */
  readonly digest: string
}

/**
 * Checks what a network takes and gives, and pools a map of features to one row.
 *
 * @param where - Names the network in messages.
 * @param network - Its layers become those of the result: dispose that only.
 * @throws {@link ArtifactError} unless it has one input of grey or colour pictures and one output
 * of rank 2 or 4 with a fixed number of features.
 */
export function asBackbone(
  where: string,
  network: LayersModel,
  normalisation: Normalisation,
  digest: string,
): Backbone {
  const fail = (expected: string, got: string): never => {
    network.dispose()
    throw new ArtifactError(`${where}: expected ${expected}, got ${got}`)
  }
  const [input, ...inputs] = network.inputs
  const [output, ...outputs] = network.outputs
  if (input === undefined || output === undefined || inputs.length + outputs.length > 0) {
    return fail('one input and one output', `${network.inputs.length}, ${network.outputs.length}`)
  }
  const [, height, width, channels] = input.shape
  if (input.rank !== 4 || (channels !== 1 && channels !== 3) || height !== width) {
    return fail('an input [?, size, size, 1 or 3]', `[${input.shape}]`)
  }
  const dim = output.shape.at(-1)
  if ((output.rank !== 2 && output.rank !== 4) || typeof dim !== 'number') {
    return fail('an output [?, features] or [?, ?, ?, features]', `[${output.shape}]`)
  }
  const pooled = (): LayersModel => {
    const pool = tf.layers.globalAveragePooling2d({ name: 'features_mean' })
    const rows = pool.apply(output) as SymbolicTensor // [batch, features]
    return tf.model({ name: network.name, inputs: network.inputs, outputs: rows })
  }
  return {
    network: output.rank === 4 ? pooled() : network,
    mean: normalisation.mean,
    std: normalisation.std,
    dim,
    channels: channels === 3 ? 'rgb' : 'grey',
    size: height ?? undefined,
    digest,
  }
}
