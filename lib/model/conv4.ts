import { randomStream } from '../engine/random.ts'
import { type LayersModel, tf } from '../engine/tf.ts'
import { ConfigError } from '../errors.ts'
import type { SymbolicTensor } from './inverted-residual.ts'
import { type Conv4Options, defaultConv4Options } from './options.ts'

const filters = 64
const blocks = 4

/**
 * Four convolutions of 64 filters for small pictures, to be trained from scratch.
 *
 * Each: 3×3, batch norm, relu, pooled by 2; then the mean over what area is left, and a linear
 * layer to the embedding. The weights follow from the seed, whichever the engine.
 *
 * @returns Network from normalised pictures, shape [batch, size, size, channels], to embeddings,
 * shape [batch, dim].
 * @throws {@link ConfigError} for a size that four poolings leave nothing of.
 */
export function conv4(options: Conv4Options): LayersModel {
  const { size, channels, dim, seed } = { ...defaultConv4Options, ...options }
  if (!Number.isInteger(size) || size < 2 ** blocks) {
    throw new ConfigError(`conv4: size must be at least ${2 ** blocks} pixels, got ${size}`)
  }
  const seeded = (layer: string) =>
    tf.initializers.heNormal({ seed: randomStream(seed, 'conv4', layer).integer(2 ** 31) })
  const images = tf.input({ shape: [size, size, channels], name: 'images' })

  const block = (input: SymbolicTensor, name: string): SymbolicTensor => {
    const convolution = tf.layers.conv2d({
      name,
      filters,
      kernelSize: 3,
      padding: 'same',
      useBias: false, // the norm has one
      kernelInitializer: seeded(name),
    })
    // A short memory: labels are made anew every 50 steps, with the running statistics.
    const norm = tf.layers.batchNormalization({
      name: `${name}_norm`,
      epsilon: 1e-5,
      momentum: 0.9,
    })
    const relu = tf.layers.reLU({ name: `${name}_relu` })
    const pool = tf.layers.maxPooling2d({ name: `${name}_pool`, poolSize: 2 })
    return [convolution, norm, relu, pool].reduce(
      (tensor, layer) => layer.apply(tensor) as SymbolicTensor,
      input,
    ) // [batch, height / 2, width / 2, filters]
  }

  const names = Array.from({ length: blocks }, (_, i) => `conv${i + 1}`)
  const map = names.reduce(block, images) // [batch, size / 16, size / 16, filters]
  const pooled = tf.layers.globalAveragePooling2d({ name: 'pooled' }).apply(map) // [batch, filters]
  const embedding = tf.layers
    .dense({ name: 'embedding', units: dim, kernelInitializer: seeded('embedding') })
    .apply(pooled) // [batch, dim]
  return tf.model({ name: 'conv4', inputs: images, outputs: embedding as SymbolicTensor })
}
