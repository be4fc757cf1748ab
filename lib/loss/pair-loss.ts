import { type Scalar, type Tensor2D, tf } from '../engine/tf.ts'
import { cosines } from './cosines.ts'
import { expectPairs } from './expect-pairs.ts'
import type { PairLossParams, PairLossResult } from './options.ts'
import { pairTerms } from './pair-terms.ts'
import { withSlopes } from './with-slopes.ts'

/**
 * Variance-constrained contrastive Bayesian loss of a batch, mined, with its own gradient.
 *
 * An anchor without a positive, a negative or a mined one of each is skipped together with its
 * variance term, and still counts in the divisor. Only `loss` is meant to be differentiated, with
 * respect to `anchors`; nothing is read back from the engine.
 *
 * @param anchors - Embeddings, shape [batch, dim], float32, unit-norm rows.
 * @param refs - The anchors, then rows that get no gradient, shape [refs, dim], refs ≥ batch.
 * @param positives - 1 where the pair is positive, else 0, float32, shape [batch, refs].
 * @param negatives - Likewise for negative pairs. Self-pairs are in neither: {@link pairMasks}.
 * @param params - One of {@link lossPresets}, or a variation of it.
 * @returns Loss, its terms per anchor, and counts of mined pairs. The caller disposes them.
 * @throws {@link ShapeError} if a shape does not fit.
 * @see Kan, He, Cen, Li, Mladenovic, He (2023), Contrastive Bayesian Analysis for Deep Metric
 * Learning, arXiv 2210.04402.
 * @example pairLoss(x, x, positives, negatives, lossPresets.calibrated).loss
 */
export function pairLoss(
  anchors: Tensor2D,
  refs: Tensor2D,
  positives: Tensor2D,
  negatives: Tensor2D,
  params: PairLossParams<number | Scalar>,
): PairLossResult {
  expectPairs('pairLoss', anchors, refs, positives, negatives)
  return tf.tidy((): PairLossResult => {
    const similarities = cosines(anchors, refs) // [batch, refs]
    const { slopes, ...result } = pairTerms(similarities, positives, negatives, params)
    return { ...result, loss: withSlopes(similarities, result.loss, slopes) }
  })
}
