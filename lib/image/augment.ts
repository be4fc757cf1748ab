import { expectShape } from '../engine/shape.ts'
import { type Tensor4D, tf } from '../engine/tf.ts'
import type { AugmentationDraws } from './augmentation-draws.ts'
import { addNoise, erase } from './disturb.ts'
import type { Augmentation } from './options.ts'
import { recolour } from './recolour.ts'
import { soften } from './soften.ts'
import { warp } from './warp.ts'

const isOff = (range: readonly [number, number]): boolean => range[0] === 1 && range[1] === 1

function hasGeometry(options: Augmentation): boolean {
  const { area, ratio, flip, rotation, scale, shear, shift } = options
  return !(isOff(area) && isOff(ratio)) || flip + rotation + scale + shear + shift > 0
}

/**
 * One view of each picture, as {@link AugmentationDraws} decided: place and pose, blur, colours,
 * hidden rectangle, noise, in this order. Kinds that the options leave out cost nothing.
 *
 * @param images - Pictures before normalisation, shape [batch, height, width, channels], float32,
 * 0–255; one of them may stand in several rows.
 * @param draws - From `augmentationDraws` with the same options, one a row.
 * @returns The same shape, float32, 0–255. The caller disposes it.
 * @throws {@link ShapeError} if there is not one draw for each row.
 */
export function augment(
  images: Tensor4D,
  draws: AugmentationDraws,
  options: Augmentation,
): Tensor4D {
  expectShape('augment', 'images', images, [draws.batch, null, null, null])
  return tf.tidy(() => {
    let views = tf.clone(images) // [batch, height, width, channels]
    if (hasGeometry(options)) {
      views = warp(views, draws.places)
    }
    if (options.blur > 0) {
      views = soften(views, draws, options.blur)
    }
    if (options.brightness + options.contrast + options.saturation > 0) {
      views = recolour(views, draws)
    }
    if (options.erase > 0) {
      views = erase(views, draws)
    }
    return options.noise > 0 ? addNoise(views, draws) : views
  })
}
