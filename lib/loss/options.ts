import type { Scalar, Tensor1D } from '../engine/tf.ts'

/**
 * Settings of the pair loss, named by the symbols of its formula (Kan et al., arXiv 2210.04402).
 *
 * Every pair is judged by `z = (s − a) / b` on its side; the variance term keeps the similarities
 * of an anchor's negatives together. `Level` is `number`, or `number | Scalar` where thresholds
 * are computed on the engine ({@link adaptiveThresholds}) and never read back.
 */
export interface PairLossParams<Level = number> {
  /** Similarity at which a positive pair weighs one half, in [-1, 1]. */
  readonly aP: Level
  /** Temperature of positive pairs, ≥ 1e-3. */
  readonly bP: Level
  /** Weight of the positive term, > 0. Absent: follows `bP`, slopes then stay within [-1, 1]. */
  readonly kappaP?: Level
  /** Similarity at which a negative pair weighs one half, in [-1, 1]. */
  readonly aN: Level
  /** Temperature of negative pairs, ≥ 1e-3. */
  readonly bN: Level
  /** Weight of the negative term, > 0. Absent: follows `bN`. */
  readonly kappaN?: Level
  /** Pairs that clear the hardest pair of the other side by this much are not mined, in [0, 2]. */
  readonly margin: number
  /** Weight λ of the variance term, ≥ 0. */
  readonly lambda: number
  /** Share γ of the positives' mean in the point that negatives gather around, in [0, 1]. */
  readonly gamma: number
  /** How squared deviations of n negatives are reduced: factor 1, 1/n or 112/n. */
  readonly reduction: 'sum' | 'mean' | 'meanRef'
}

/**
 * What every loss over pairs returns; the caller disposes all of it.
 *
 * A type and no interface, because `tf.tidy` returns only what can have an index signature.
 */
export type PairLossResult = {
  /** Sum over valid anchors divided by the batch, dimensionless, shape []. */
  readonly loss: Scalar
  /** Term of the positive pairs, 0 for skipped anchors, shape [batch]. */
  readonly pos: Tensor1D
  /** Term of the negative pairs, 0 for skipped anchors, shape [batch]. */
  readonly neg: Tensor1D
  /** Variance term before its weight λ, 0 for skipped anchors, shape [batch]. */
  readonly variance: Tensor1D
  /** 1 where the anchor takes part, else 0, float32, shape [batch]. */
  readonly valid: Tensor1D
  /** Number of positive pairs that still violate the margin, shape []. */
  readonly minedPositives: Scalar
  /** Number of negative pairs that still violate the margin, shape []. */
  readonly minedNegatives: Scalar
}

/** Negatives per anchor that `meanRef` scales to: 15 clusters of 8, the batch of the paper. */
export const referenceNegatives = 112

/** Settings of {@link adaptiveThresholds}. */
export interface AdaptiveOptions {
  /** Share of the past in the moving averages, in [0, 1). Default .95. */
  readonly decay?: number
  /** Whether the threshold shifts by the log odds of a pair being different. Default true. */
  readonly prior?: boolean
  /** Which side follows the data; the other keeps the preset's numbers. Default `both`. */
  readonly side?: 'neg' | 'both'
}
export const defaultAdaptiveOptions: Required<AdaptiveOptions> = {
  decay: 0.95,
  prior: true,
  side: 'both',
}

/** Settings of {@link ntxentLoss}. */
export interface NtxentOptions {
  /** Temperature τ, > 0. Default .2 up to 128 rows, .07 above: `ntxentTemperature`. */
  readonly temperature?: number
}

/** Which triplets of an anchor count: {@link tripletLoss}. */
export type TripletMining = 'hard' | 'semi-hard' | 'all'

/** Settings of {@link tripletLoss}. */
export interface TripletOptions {
  /** Distance by which a negative must be farther than a positive, in [0, 2]. Default .2. */
  readonly margin?: number
  /** Default `hard`, after a start with `semi-hard` ({@link tripletMiningAt}). */
  readonly mining?: TripletMining
}
export const defaultTripletOptions: Required<TripletOptions> = { margin: 0.2, mining: 'hard' }
