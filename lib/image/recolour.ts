import { type Tensor, type Tensor4D, tf } from '../engine/tf.ts'
import type { AugmentationDraws } from './augmentation-draws.ts'

/** Weights of red, green and blue in grey (ITU-R BT.601). */
const grey = [0.299, 0.587, 0.114] as const

type ColourDraws = Pick<AugmentationDraws, 'batch' | 'brightness' | 'contrast' | 'saturation'>

/** Factors that every number of a view is multiplied by, shape [batch]. */
const factors = (draws: ColourDraws): Float32Array =>
  draws.brightness.map((brightness, i) => brightness * (draws.contrast[i] as number))

/** Brightness, contrast and saturation as one matrix a view, shape [batch, 3 in, 3 out]. */
function mixtures(draws: ColourDraws): Float32Array {
  const result = new Float32Array(9 * draws.batch)
  for (const [i, factor] of factors(draws).entries()) {
    const saturation = draws.saturation[i] as number
    for (let o = 0; o < 9; o += 1) {
      const own = o % 4 === 0 ? saturation : 0
      result[9 * i + o] = factor * (own + (1 - saturation) * (grey[Math.floor(o / 3)] as number))
    }
  }
  return result
}

/**
 * Changes saturation, brightness and contrast of each picture, in this order; contrast about the
 * mean of all numbers of the picture.
 *
 * @param images - Shape [batch, height, width, channels], float32, 0–255, 1 or 3 channels.
 * @returns The same shape, float32, cut off at 0 and 255. The caller disposes it.
 */
export function recolour(images: Tensor4D, draws: ColourDraws): Tensor4D {
  const [batch, height, width, channels] = images.shape
  const numbers = height * width * channels
  return tf.tidy(() => {
    const rows = tf.reshape(images, [batch, numbers]) // [batch, numbers]
    const mixed: Tensor =
      channels === 3
        ? tf.matMul(
            tf.reshape(images, [batch, height * width, channels]),
            tf.tensor3d(mixtures(draws), [batch, channels, channels]),
          ) // [batch, height·width, channels]
        : tf.mul(rows, tf.tensor2d(factors(draws), [batch, 1])) // [batch, numbers]
    const levels = draws.brightness.map((value, i) => value * (1 - (draws.contrast[i] as number)))
    const lift = tf.mul(tf.mean(rows, 1, true), tf.tensor2d(levels, [batch, 1])) // [batch, 1]
    const lifted = tf.add(tf.reshape(mixed, [batch, numbers]), lift) // [batch, numbers]
    const cut = tf.clipByValue(lifted, 0, 255) // [batch, numbers]
    return tf.reshape(cut, [batch, height, width, channels]) // [batch, height, width, channels]
  })
}
