import { type LayersModel, tf } from '../engine/tf.ts'
import type { SymbolicTensor } from './inverted-residual.ts'

/**
 * The network that learns nothing: pixels in a row, the baseline of {@link conv4}.
 *
 * @param options - `size`: side of the pictures in pixels; `channels`: 1 or 3.
 * @returns Network from normalised pictures, shape [batch, size, size, channels], to pixels,
 * shape [batch, size · size · channels]. It has no weights.
 */
export function flatten(options: {
  readonly size: number
  readonly channels: number
}): LayersModel {
  const { size, channels } = options
  const images = tf.input({ shape: [size, size, channels], name: 'images' })
  const pixels = tf.layers.flatten({ name: 'pixels' }).apply(images)
  return tf.model({ name: 'flatten', inputs: images, outputs: pixels as SymbolicTensor })
}
