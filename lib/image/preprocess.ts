import { expectShape } from '../engine/shape.ts'
import { type Tensor4D, tf } from '../engine/tf.ts'
import { ShapeError } from '../errors.ts'
import type { Preprocessing } from './options.ts'
import { channelCount, pixelBytes } from './preprocessing.ts'

/**
 * Decoded pictures as a tensor, not yet normalised.
 *
 * @param pixels - Pictures one after another, shape [batch, size, size, channels], 0–255.
 * @returns The same numbers, shape [batch, size, size, channels], float32. The caller disposes it.
 * @throws {@link ShapeError} if the bytes are not a whole number of pictures.
 */
export function pixelTensor(
  pixels: Uint8Array,
  preprocessing: Pick<Preprocessing, 'channels' | 'size'>,
): Tensor4D {
  const bytes = pixelBytes(preprocessing)
  const batch = pixels.length / bytes
  if (!Number.isInteger(batch)) {
    throw new ShapeError(
      `pixelTensor: expected a multiple of ${bytes} bytes, got ${pixels.length} bytes`,
    )
  }
  const { size } = preprocessing
  return tf.tensor4d(new Float32Array(pixels), [batch, size, size, channelCount(preprocessing)])
}

/** One number a channel, repeated along a row of pixels. */
function alongRow(values: readonly number[], width: number): Float32Array {
  const channels = values.length
  return Float32Array.from({ length: width * channels }, (_, i) => values[i % channels] as number)
}

/**
 * What a network takes: (pixels − mean) / std, channel by channel.
 *
 * @param images - Shape [batch, height, width, channels], float32, 0–255.
 * @returns The same shape, float32. The caller disposes it.
 * @throws {@link ShapeError} if `mean` has another number of channels.
 */
export function normalise(
  images: Tensor4D,
  preprocessing: Pick<Preprocessing, 'mean' | 'std'>,
): Tensor4D {
  const { mean, std } = preprocessing
  expectShape('normalise', 'images', images, [null, null, null, mean.length])
  const [batch, height, width, channels] = images.shape
  const factors = alongRow(
    std.map((value) => 1 / value),
    width,
  )
  const offsets = alongRow(
    mean.map((value, i) => -value / (std[i] as number)),
    width,
  )
  return tf.tidy(() => {
    // Whole rows: engines are slow at repeating three numbers along the last axis.
    const rows = tf.reshape(images, [batch * height, width * channels]) // [batch·height, width·channels]
    const scaled = tf.mul(rows, tf.tensor1d(factors)) // [batch·height, width·channels]
    const moved = tf.add(scaled, tf.tensor1d(offsets)) // [batch·height, width·channels]
    return tf.reshape(moved, [batch, height, width, channels]) // [batch, height, width, channels]
  })
}

/**
 * Decoded pictures as a network takes them: {@link pixelTensor}, then {@link normalise}.
 *
 * @param pixels - Pictures one after another, shape [batch, size, size, channels], 0–255.
 * @returns Shape [batch, size, size, channels], float32. The caller disposes it.
 */
export function preprocess(pixels: Uint8Array, preprocessing: Preprocessing): Tensor4D {
  return tf.tidy(() => normalise(pixelTensor(pixels, preprocessing), preprocessing))
}
