import type { Matrix } from '../engine/matrix.ts'
import { ConfigError } from '../errors.ts'
import { type BlockOptions, type CalibrationOptions, defaultBlockOptions } from './options.ts'
import { expectLength } from './rows.ts'
import { similarityBlocks } from './similarity-blocks.ts'

/** Cosines of pairs, by whether both images are of the same kind. */
export interface PairSimilarities {
  readonly same: Float32Array
  readonly different: Float32Array
}

/** P(same | cosine s) = 1/(1 + exp(−(s − alpha)/beta)). */
export interface LogisticCurve {
  /** Cosine at which both kinds are equally likely. */
  readonly alpha: number
  /** Width of the change from one kind to the other, > 0. */
  readonly beta: number
}

/** A {@link LogisticCurve}, and what it was fitted on. */
export interface Calibration extends LogisticCurve {
  readonly meanSame: number
  readonly meanDifferent: number
  /** Pooled variance around the two means. */
  readonly variance: number
  readonly pairsSame: number
  readonly pairsDifferent: number
  /** Probability of "same" before the cosine is known. */
  readonly prior: number
}

/** Narrowest change: the pair loss is finite down to here, and a division by 0 is no answer. */
const leastBeta = 1e-3

/**
 * Cosines of all pairs of labelled images.
 *
 * @param embeddings - Trusted images only, centred, shape [n, dim].
 * @param labels - Pseudo-label or true class of each image, shape [n].
 * @throws {@link ShapeError} if the lengths differ.
 */
export async function pairSimilarities(
  embeddings: Matrix,
  labels: Int32Array,
  options: BlockOptions = defaultBlockOptions,
): Promise<PairSimilarities> {
  const { rows: n } = embeddings
  expectLength('pairSimilarities', 'labels', labels.length, n)
  const same: number[] = []
  const different: number[] = []
  for await (const block of similarityBlocks(embeddings, embeddings, options)) {
    for (let row = 0; row < block.rows; row += 1) {
      const image = block.first + row
      for (let other = image + 1; other < n; other += 1) {
        const cosine = (block.similarities[row * n + other] as number) * block.unit
        if (labels[image] === labels[other]) same.push(cosine)
        else different.push(cosine)
      }
    }
  }
  return { same: Float32Array.from(same), different: Float32Array.from(different) }
}

function moments(values: Float32Array): { mean: number; squares: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  return { mean, squares: values.reduce((sum, value) => sum + (value - mean) ** 2, 0) }
}

/**
 * Turns cosines into probabilities, from two Gaussians of equal variance: cosine thresholds do
 * not survive a new model, P(same) roughly does. On pseudo-labels it is biased towards them.
 *
 * @param pairs - Cosines of known pairs, for example of {@link pairSimilarities}.
 * @returns `undefined` if a kind has no pair, or same pairs are not the more similar ones.
 * @throws {@link ConfigError} if the prior is outside (0, 1).
 * @see method.md section 2.2: β = σ²/(μ_P − μ_N), α = ½(μ_P + μ_N) + β ln(P(diff)/P(same)).
 */
export function calibrate(
  pairs: PairSimilarities,
  options: CalibrationOptions = {},
): Calibration | undefined {
  const [pairsSame, pairsDifferent] = [pairs.same.length, pairs.different.length]
  const total = pairsSame + pairsDifferent
  const prior = options.prior ?? pairsSame / total
  if (options.prior !== undefined && !(prior > 0 && prior < 1)) {
    throw new ConfigError(`calibrate: prior must lie in (0, 1), got ${prior}`)
  }
  if (pairsSame === 0 || pairsDifferent === 0) return undefined
  const same = moments(pairs.same)
  const different = moments(pairs.different)
  const gap = same.mean - different.mean
  if (gap <= 0) return undefined
  const variance = (same.squares + different.squares) / total
  const beta = Math.max(leastBeta, variance / gap)
  return {
    alpha: (same.mean + different.mean) / 2 + beta * Math.log((1 - prior) / prior),
    beta,
    meanSame: same.mean,
    meanDifferent: different.mean,
    variance,
    pairsSame,
    pairsDifferent,
    prior,
  }
}

/** P(same) of a cosine, range (0, 1). */
export function probabilitySame(cosine: number, { alpha, beta }: LogisticCurve): number {
  return 1 / (1 + Math.exp(-(cosine - alpha) / beta))
}
