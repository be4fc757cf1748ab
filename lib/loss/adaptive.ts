import { expectShape } from '../engine/shape.ts'
import { type Scalar, type Tensor1D, type Tensor2D, tf } from '../engine/tf.ts'
import { type AdaptiveOptions, defaultAdaptiveOptions, type PairLossParams } from './options.ts'

/** Thresholds of one step, and what the next step needs; the caller disposes all of it. */
export interface AdaptiveThresholds {
  /** Moving averages: mean of positives, of negatives, pooled variance, 1 once begun; shape [4]. */
  readonly state: Tensor1D
  /** The given settings with the sides that follow the data replaced. */
  readonly params: PairLossParams<number | Scalar>
}

/** Similarity of means below which temperatures would explode. */
const leastGap = 0.05

/**
 * Thresholds of the pair loss from the similarities of the batch and of those before it.
 *
 * If similarities of same and of different pairs are two Gaussians of equal variance σ², then
 * P(same | s) is a logistic function with temperature β = σ² / (μP − μN), clipped to [.02, .5],
 * and threshold α = (μP + μN) / 2 + β ln(different / same), clipped to [-.2, .95]. Means and
 * variance are moving averages over all unmined pairs, started by the first batch that has pairs
 * of both kinds; a batch that lacks one leaves them. They are constants to the gradient, and stay
 * on the engine.
 *
 * @param similarities - {@link cosines} of the batch, shape [batch, refs].
 * @param positives - 1 where the pair is positive, else 0, float32, shape [batch, refs].
 * @param negatives - Likewise for negative pairs.
 * @param params - Settings that are kept: margin, variance term, the side that stays.
 * @param state - That of the step before, part of the checkpoint; absent at the first step.
 * @throws {@link ShapeError} if a mask or the state has another shape.
 * @see Kan et al. (2023), arXiv 2210.04402: α, β of the contrastive Bayesian posterior.
 */
export function adaptiveThresholds(
  similarities: Tensor2D,
  positives: Tensor2D,
  negatives: Tensor2D,
  params: PairLossParams,
  state?: Tensor1D,
  options: AdaptiveOptions = {},
): AdaptiveThresholds {
  const { decay, prior, side } = { ...defaultAdaptiveOptions, ...options }
  expectShape('adaptiveThresholds', 'positives', positives, similarities.shape)
  expectShape('adaptiveThresholds', 'negatives', negatives, similarities.shape)
  if (state) expectShape('adaptiveThresholds', 'state', state, [4])
  const { kappaP: _p, kappaN: _n, ...kept } = params // both follow their temperature from here
  return tf.tidy(() => {
    const countP: Scalar = tf.sum(positives) // []
    const countN: Scalar = tf.sum(negatives) // []
    const next = averaged(
      moments(similarities, positives, negatives, countP, countN),
      state ?? tf.zeros([4]),
      decay,
    )
    const [meanP, meanN, variance] = tf.unstack(next) as [Scalar, Scalar, Scalar, Scalar]
    const gap = tf.maximum(tf.sub(meanP, meanN), leastGap) // []
    const beta = tf.clipByValue(tf.div(variance, gap), 0.02, 0.5) as Scalar // []
    const odds = tf.log(tf.div(tf.maximum(countN, 1), tf.maximum(countP, 1))) // []
    const middle = tf.div(tf.add(meanP, meanN), 2) // []
    const alpha = tf.clipByValue(
      prior ? tf.add(middle, tf.mul(beta, odds)) : middle,
      -0.2,
      0.95,
    ) as Scalar // []
    const negative = { aN: alpha, bN: beta, kappaN: beta }
    const positive = { aP: alpha, bP: beta, kappaP: beta }
    return {
      state: next,
      params: side === 'both' ? { ...kept, ...negative, ...positive } : { ...params, ...negative },
    }
  })
}

/** Means and pooled variance of the batch's pairs, and 1 if it has both kinds, else 0; [4]. */
function moments(
  similarities: Tensor2D,
  positives: Tensor2D,
  negatives: Tensor2D,
  countP: Scalar,
  countN: Scalar,
): Tensor1D {
  const meanP: Scalar = tf.div(tf.sum(tf.mul(similarities, positives)), tf.maximum(countP, 1)) // []
  const meanN: Scalar = tf.div(tf.sum(tf.mul(similarities, negatives)), tf.maximum(countN, 1)) // []
  const deviation = (mean: Scalar, mask: Tensor2D) =>
    tf.sum(tf.mul(tf.square(tf.sub(similarities, mean)), mask)) // []
  const squares = tf.add(deviation(meanP, positives), deviation(meanN, negatives))
  const pooled = tf.div(squares, tf.maximum(tf.add(countP, countN), 1)) // []
  const both = tf.minimum(tf.mul(countP, countN), 1) // []
  return tf.stack([meanP, meanN, pooled, both]) as Tensor1D // [4]
}

/** The moving averages after a batch: the batch itself at first, nothing new without pairs. */
function averaged(batch: Tensor1D, before: Tensor1D, decay: number): Tensor1D {
  const both = tf.slice(batch, 3, 1) // [1]
  const begun = tf.slice(before, 3, 1) // [1]
  const share = tf.mul(both, tf.sub(1, tf.mul(begun, decay))) // [1]: 0, 1 or 1 − decay
  return tf.add(before, tf.mul(share, tf.sub(batch, before)))
}
