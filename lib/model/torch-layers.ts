import { type LayersModel, type Tensor, tf } from '../engine/tf.ts'
import { ArtifactError } from '../errors.ts'
import type { TorchTensor } from './torch-weights.ts'

type Layer = LayersModel['layers'][number]

/** Torch's names for the weights of a layer, in the order of the layer, and their axes there. */
const sources: Readonly<
  Record<string, { readonly names: readonly string[]; readonly axes?: readonly number[] }>
> = {
  // [out, in, height, width] to [height, width, in, out]
  Conv2D: { names: ['weight'], axes: [2, 3, 1, 0] },
  // [channels, 1, height, width] to [height, width, channels, 1]
  DepthwiseConv2D: { names: ['weight'], axes: [2, 3, 0, 1] },
  BatchNormalization: { names: ['weight', 'bias', 'running_mean', 'running_var'] },
}

function layerWeights(
  layer: Layer,
  module: string,
  tensors: ReadonlyMap<string, TorchTensor>,
): Tensor[] {
  const source = sources[layer.getClassName()]
  if (source === undefined) {
    const known = Object.keys(sources).join(', ')
    const got = `${layer.getClassName()} ${layer.name}`
    throw new ArtifactError(`loadTorchWeights: layers with weights must be ${known}, got ${got}`)
  }
  return source.names.map((name, i) => {
    const found = tensors.get(`${module}.${name}`)
    if (found === undefined) {
      throw new ArtifactError(`loadTorchWeights: expected ${module}.${name}, got none`)
    }
    const stored = tf.tensor(found.data, [...found.shape])
    const placed = source.axes === undefined ? stored : tf.transpose(stored, [...source.axes])
    const wanted = layer.weights[i]?.shape ?? []
    if (`${placed.shape}` !== `${wanted}`) {
      const message = `${module}.${name} must become [${wanted}], got [${placed.shape}]`
      throw new ArtifactError(`loadTorchWeights: ${message}`)
    }
    return placed
  })
}

/**
 * Sets every weight of a network from torch's tensors, found by the names of the layers.
 *
 * @param network - Its layers bear the names of torch's modules. Tensors that no layer asks for,
 * such as the classifier's, are left alone.
 * @param prefix - What torch's names have before those of the layers: a port whose modules begin
 * with an underscore, which no layer may, needs `_`.
 * @throws {@link ArtifactError} if a tensor is missing or has another shape.
 */
export function loadTorchWeights(
  network: LayersModel,
  tensors: ReadonlyMap<string, TorchTensor>,
  prefix = '',
): void {
  tf.tidy(() => {
    for (const layer of network.layers) {
      if (layer.weights.length > 0)
        layer.setWeights(layerWeights(layer, `${prefix}${layer.name}`, tensors))
    }
  })
}
