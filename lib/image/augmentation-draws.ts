import { type Random, randomStream } from '../engine/random.ts'
import type { Augmentation } from './options.ts'

/** One appearance of a picture in a step of training, or of a probe. */
export interface View {
  /** Image id. */
  readonly id: string
  /** Which of the step's views of this picture, from 0. */
  readonly view: number
  /** Step of the round, from 0. */
  readonly step: number
}

/** What chance decided for each view of a batch. */
export interface AugmentationDraws {
  /** Number of views. */
  readonly batch: number
  /**
   * Where each output place lies in the picture, shape [batch, 6]: x′ = m₀x + m₁y + m₂,
   * y′ = m₃x + m₄y + m₅, in places from −1 (first pixel) to 1 (last pixel) along each axis.
   */
  readonly places: Float32Array
  /** Factor of brightness, shape [batch], ≥ 0. */
  readonly brightness: Float32Array
  /** Factor of distances from the mean level, shape [batch], ≥ 0. */
  readonly contrast: Float32Array
  /** Factor of distances from grey, shape [batch], ≥ 0. */
  readonly saturation: Float32Array
  /** Share of the strongest blur, shape [batch], [0, 1). */
  readonly blur: Float32Array
  /** Standard deviation of the noise, shape [batch], in units of 0–255. */
  readonly noise: Float32Array
  /** Start of each view's stretch in the table of noise, shape [batch], [0, 1). */
  readonly noiseStart: Float32Array
  /** Hidden rectangle, shape [batch, 4]: top, left, bottom, right, shares of the sides. */
  readonly erased: Float32Array
}

/** Rows of a 2 × 3 matrix: x′ = m₀x + m₁y + m₂, y′ = m₃x + m₄y + m₅. */
type Affine = readonly [number, number, number, number, number, number]

/** First `inner`, then `outer`. */
function after(outer: Affine, inner: Affine): Affine {
  const [a, b, c, d, e, f] = outer
  const [g, h, i, j, k, l] = inner
  return [
    a * g + b * j,
    a * h + b * k,
    a * i + b * l + c,
    d * g + e * j,
    d * h + e * k,
    d * i + e * l + f,
  ]
}

const between = (random: Random, low: number, high: number): number =>
  low + (high - low) * random.uniform()
const around = (random: Random, spread: number): number => between(random, -spread, spread)

/** From places of the view to places of the picture: a window on it, mirrored or not. */
function cropPlaces(random: Random, options: Augmentation): Affine {
  const area = between(random, ...options.area)
  const [narrow, wide] = options.ratio
  const ratio = Math.exp(between(random, Math.log(narrow), Math.log(wide)))
  const width = Math.min(1, Math.sqrt(area * ratio))
  const height = Math.min(1, Math.sqrt(area / ratio))
  const left = around(random, 1 - width)
  const top = around(random, 1 - height)
  const side = random.uniform() < options.flip ? -1 : 1
  return [side * width, 0, left, 0, height, top]
}

/** From places of the view to places before the picture was turned, sized, slanted and moved. */
function posePlaces(random: Random, options: Augmentation): Affine {
  const turn = (around(random, options.rotation) * Math.PI) / 180
  const size = 1 + around(random, options.scale)
  const slant = around(random, options.shear)
  const x = around(random, 2 * options.shift)
  const y = around(random, 2 * options.shift)
  const [cos, sin] = [Math.cos(turn) / size, Math.sin(turn) / size]
  // The inverse of: slant, then turn and size, then move.
  const move: Affine = [1, 0, -x, 0, 1, -y]
  const turned: Affine = [cos, sin, 0, -sin, cos, 0]
  const slanted: Affine = [1, -slant, 0, 0, 1, 0]
  return after(slanted, after(turned, move))
}

/** Top, left, bottom and right of a rectangle with a random area, form and place. */
function rectangle(random: Random, share: number): readonly number[] {
  const area = share * random.uniform()
  const ratio = Math.exp(around(random, Math.LN2))
  const height = Math.min(1, Math.sqrt(area / ratio))
  const width = Math.min(1, Math.sqrt(area * ratio))
  const top = (1 - height) * random.uniform()
  const left = (1 - width) * random.uniform()
  return [top, left, top + height, left + width]
}

/**
 * Decides how each view differs from its picture.
 *
 * Pure: a view's draws depend on the seed and on (id, view, step) alone, so neither the order nor
 * the rest of the batch matters.
 */
export function augmentationDraws(
  views: readonly View[],
  options: Augmentation,
  seed: number,
): AugmentationDraws {
  const batch = views.length
  const column = (): Float32Array => new Float32Array(batch)
  const draws = {
    batch,
    places: new Float32Array(6 * batch),
    brightness: column(),
    contrast: column(),
    saturation: column(),
    blur: column(),
    noise: column(),
    noiseStart: column(),
    erased: new Float32Array(4 * batch),
  }
  for (const [i, { id, view, step }] of views.entries()) {
    const random = randomStream(seed, 'augmentation', id, view, step)
    const crop = cropPlaces(random, options)
    draws.places.set(after(crop, posePlaces(random, options)), 6 * i)
    draws.brightness[i] = 1 + around(random, options.brightness)
    draws.contrast[i] = 1 + around(random, options.contrast)
    draws.saturation[i] = 1 + around(random, options.saturation)
    draws.blur[i] = random.uniform()
    draws.noise[i] = options.noise * random.uniform()
    draws.noiseStart[i] = random.uniform()
    draws.erased.set(rectangle(random, options.erase), 4 * i)
  }
  return draws
}
