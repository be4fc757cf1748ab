import { type Random, randomStream } from '../engine/random.ts'
import { InputError } from '../errors.ts'
import { type Classes, classesOf } from './classes.ts'
import { type BootstrapOptions, defaultBootstrapOptions } from './options.ts'
import { expectLength } from './rows.ts'

/** A mean difference and how sure it is. */
export interface BootstrapInterval {
  /** Mean of the differences. */
  readonly mean: number
  /** 2.5 % percentile of the resampled means. */
  readonly low: number
  /** 97.5 % percentile of the resampled means. */
  readonly high: number
  /** Standard deviation of the differences, sample form. */
  readonly sd: number
}

/** Sum and number of the differences of each duplicate group. */
function groupTotals(difference: Float32Array, { count, of }: Classes) {
  const sums = new Float64Array(count)
  const sizes = new Float64Array(count)
  of.forEach((group, i) => {
    sums[group] = (sums[group] as number) + (difference[i] as number)
    sizes[group] = (sizes[group] as number) + 1
  })
  return { sums, sizes }
}

/** Mean over as many groups as there are, drawn with replacement. */
function resampledMean(sums: Float64Array, sizes: Float64Array, random: Random): number {
  let sum = 0
  let size = 0
  for (let i = 0; i < sums.length; i += 1) {
    const group = random.integer(sums.length)
    sum += sums[group] as number
    size += sizes[group] as number
  }
  return sum / size
}

/** Percentile with linear interpolation between order statistics. */
function percentile(sorted: Float64Array, share: number): number {
  const place = share * (sorted.length - 1)
  const below = sorted[Math.floor(place)] as number
  const above = sorted[Math.ceil(place)] as number
  return below + (place - Math.floor(place)) * (above - below)
}

/**
 * Paired bootstrap: a 95 % percentile interval for the mean of per-image differences.
 *
 * Duplicate groups are drawn as a whole, since near-copies of one picture are not independent.
 *
 * @param difference - Candidate − champion of each image, shape [n], n ≥ 1, finite.
 * @param groups - Duplicate group of each image, any integers, shape [n]; `undefined`: no two
 *   belong together.
 * @throws {@link InputError} without a difference or with one that is not finite;
 *   {@link ShapeError} if the lengths differ.
 * @see Efron, Tibshirani: An Introduction to the Bootstrap (1993), chapter 13.
 */
export function pairedBootstrap(
  difference: Float32Array,
  groups: Int32Array | undefined,
  options: BootstrapOptions = {},
): BootstrapInterval {
  const { seed, draws } = { ...defaultBootstrapOptions, ...options }
  const n = difference.length
  const wrong = n === 0 ? 'none' : difference.find((value) => !Number.isFinite(value))
  if (wrong !== undefined) {
    throw new InputError(`pairedBootstrap: expected finite differences, got ${wrong}`)
  }
  expectLength('pairedBootstrap', 'groups', groups?.length ?? n, n)
  const classes = classesOf(groups ?? Int32Array.from({ length: n }, (_, i) => i))
  const { sums, sizes } = groupTotals(difference, classes)
  const random = randomStream(seed, 'bootstrap')
  const means = Float64Array.from({ length: draws }, () =>
    resampledMean(sums, sizes, random),
  ).sort()
  const mean = sums.reduce((a, b) => a + b, 0) / n
  const squares = difference.reduce((sum, d) => sum + (d - mean) ** 2, 0)
  return {
    mean,
    low: percentile(means, 0.025),
    high: percentile(means, 0.975),
    sd: n < 2 ? 0 : Math.sqrt(squares / (n - 1)),
  }
}

/** Standard errors between 0 and a gain that 80 % of probes show at 95 %: 1.96 + .84. */
const standardErrors = 2.8

/**
 * Images that a probe needs to show a gain.
 *
 * @param sd - Standard deviation of the paired differences.
 * @param gain - The gain to show, > 0. Default .01.
 */
export function imagesNeeded(sd: number, gain = 0.01): number {
  return Math.ceil(((standardErrors * sd) / gain) ** 2)
}

/**
 * Smallest gain that a probe of `images` could have shown.
 *
 * @param sd - Standard deviation of the paired differences.
 */
export function smallestGain(sd: number, images: number): number {
  return (standardErrors * sd) / Math.sqrt(images)
}
