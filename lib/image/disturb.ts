import { randomStream } from '../engine/random.ts'
import { type Tensor4D, tf } from '../engine/tf.ts'
import type { AugmentationDraws } from './augmentation-draws.ts'

/** Length of the table of noise: a prime, so that rows of a picture do not line up with it. */
const tableLength = 65_537

/** Standard normal numbers, the same in every process: each view reads a stretch of its own. */
let table: Float32Array | undefined
function noiseTable(): Float32Array {
  if (table === undefined) {
    const random = randomStream(0, 'noise table')
    table = Float32Array.from({ length: tableLength }, () => random.normal())
  }
  return table
}

/** Noise of each view, shape [batch, count]. */
function noiseOf(draws: NoiseDraws, count: number): Float32Array {
  const source = noiseTable()
  const result = new Float32Array(draws.batch * count)
  for (let i = 0; i < draws.batch; i += 1) {
    const start = Math.floor((draws.noiseStart[i] as number) * tableLength)
    for (let j = 0; j < count; j += 1) {
      const normal = source[(start + j) % tableLength] as number
      result[i * count + j] = (draws.noise[i] as number) * normal
    }
  }
  return result
}

type NoiseDraws = Pick<AugmentationDraws, 'batch' | 'noise' | 'noiseStart'>

/**
 * Adds normal noise to each number.
 *
 * @param images - Shape [batch, height, width, channels], float32, 0–255.
 * @returns The same shape, float32, cut off at 0 and 255. The caller disposes it.
 */
export function addNoise(images: Tensor4D, draws: NoiseDraws): Tensor4D {
  const [, height, width, channels] = images.shape
  return tf.tidy(() => {
    const noise = tf.tensor4d(noiseOf(draws, height * width * channels), images.shape)
    return tf.clipByValue(tf.add(images, noise), 0, 255) // [batch, height, width, channels]
  })
}

/** 1 where a place of an axis lies between two ends, else 0; shape [batch, places]. */
function between(draws: EraseDraws, places: number, axis: 0 | 1): Float32Array {
  return Float32Array.from({ length: draws.batch * places }, (_, i) => {
    const view = 4 * Math.floor(i / places)
    const centre = ((i % places) + 0.5) / places
    const low = draws.erased[view + axis] as number
    const high = draws.erased[view + axis + 2] as number
    return low <= centre && centre < high ? 1 : 0
  })
}

type EraseDraws = Pick<AugmentationDraws, 'batch' | 'erased'>

/**
 * Hides a rectangle of each picture under the picture's mean colour.
 *
 * @param images - Shape [batch, height, width, channels], float32.
 * @returns The same shape, float32. The caller disposes it.
 */
export function erase(images: Tensor4D, draws: EraseDraws): Tensor4D {
  const [batch, height, width] = images.shape
  return tf.tidy(() => {
    const lines = tf.tensor4d(between(draws, height, 0), [batch, height, 1, 1])
    const columns = tf.tensor4d(between(draws, width, 1), [batch, 1, width, 1])
    const hidden = tf.mul(lines, columns) // [batch, height, width, 1]
    const mean = tf.mean(images, [1, 2], true) // [batch, 1, 1, channels]
    return tf.add(images, tf.mul(hidden, tf.sub(mean, images))) // [batch, height, width, channels]
  })
}
