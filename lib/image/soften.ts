import { type Tensor4D, tf } from '../engine/tf.ts'
import type { AugmentationDraws } from './augmentation-draws.ts'

/** Gaussian weights at −radius … radius, sum 1. */
function gaussian(deviation: number): readonly number[] {
  const radius = Math.max(1, Math.ceil(2.5 * deviation))
  const weights = Array.from({ length: 2 * radius + 1 }, (_, i) =>
    Math.exp(-((i - radius) ** 2) / (2 * deviation ** 2)),
  )
  const sum = weights.reduce((total, weight) => total + weight, 0)
  return weights.map((weight) => weight / sum)
}

/**
 * Mixes each picture with a Gaussian blur of itself.
 *
 * @param images - Shape [batch, height, width, channels], float32.
 * @param draws - `blur`: share of the blurred picture in the result, 0–1.
 * @param deviation - Standard deviation of the blur, share of the height, > 0.
 * @returns The same shape, float32. The caller disposes it.
 */
export function soften(
  images: Tensor4D,
  draws: Pick<AugmentationDraws, 'batch' | 'blur'>,
  deviation: number,
): Tensor4D {
  const [batch, height, , channels] = images.shape
  const weights = gaussian(deviation * height)
  const radius = (weights.length - 1) / 2
  const edge: [number, number] = [radius, radius]
  return tf.tidy(() => {
    const line = tf.tile(tf.tensor4d([...weights], [weights.length, 1, 1, 1]), [1, 1, channels, 1]) // [2·radius + 1, 1, channels, 1]
    const across = tf.reshape(line, [1, weights.length, channels, 1]) // [1, 2·radius + 1, channels, 1]
    const wide = tf.mirrorPad(images, [[0, 0], edge, edge, [0, 0]], 'symmetric') // [batch, height + 2·radius, width + 2·radius, channels]
    const down = tf.depthwiseConv2d(wide, line as Tensor4D, 1, 'valid') // [batch, height, width + 2·radius, channels]
    const blurred = tf.depthwiseConv2d(down, across as Tensor4D, 1, 'valid') // [batch, height, width, channels]
    const share = tf.tensor4d(draws.blur, [batch, 1, 1, 1])
    return tf.add(images, tf.mul(share, tf.sub(blurred, images))) // [batch, height, width, channels]
  })
}
