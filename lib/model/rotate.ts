import { type LayersModel, type Tensor2D, tf } from '../engine/tf.ts'
import { ShapeError } from '../errors.ts'
import type { SymbolicTensor } from './inverted-residual.ts'
import { cloneNetwork } from './weights.ts'

/** Name of the layer that turns the space of a network without a last linear one. */
export const spaceName = 'space'

/**
 * A copy of a network whose outputs are turned: row · rotation.
 *
 * The rotation goes into the weights and bias of the last layer where that is linear; otherwise a
 * linear layer without bias is appended, and later rotations go into that one.
 *
 * @param network - From pictures to rows, shape [batch, dim]. It stays as it is, and the caller's.
 * @param rotation - Orthogonal, shape [dim, dim], row-major: see `fitSpaceMap`.
 * @returns A network of its own weights. The caller disposes it.
 * @throws {@link ShapeError} if `rotation` has another size than the output.
 */
export async function rotated(
  network: LayersModel,
  rotation: Float64Array | Float32Array,
): Promise<LayersModel> {
  const dim = network.outputShape[1] as number
  if (rotation.length !== dim * dim) {
    throw new ShapeError(
      `rotated: rotation must have ${dim} × ${dim} numbers, got ${rotation.length}`,
    )
  }
  const copy = await cloneNetwork(network)
  const output = copy.outputs[0] as SymbolicTensor
  const last = output.sourceLayer
  const isLinear = last.getClassName() === 'Dense' && last.getConfig()['activation'] === 'linear'
  const layer = isLinear ? last : tf.layers.dense({ name: spaceName, units: dim, useBias: false })
  const turned = isLinear
    ? copy
    : tf.model({
        name: copy.name,
        inputs: copy.inputs,
        outputs: layer.apply(output) as SymbolicTensor,
      })
  tf.tidy(() => {
    const turn = tf.tensor2d(Float32Array.from(rotation), [dim, dim]) // [dim, dim]
    if (!isLinear) return layer.setWeights([turn])
    const [kernel, bias] = layer.getWeights() as [Tensor2D, Tensor2D?]
    const turnedKernel = tf.matMul(kernel, turn) // [features, dim]
    if (bias === undefined) return layer.setWeights([turnedKernel])
    // No reshaped product: the wasm engine fuses a bias only if its data were made with rank 1.
    const turnedBias = tf.sum(tf.mul(tf.expandDims(bias, 1), turn), 0) // [dim]
    return layer.setWeights([turnedKernel, turnedBias])
  })
  return turned
}
