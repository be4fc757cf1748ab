import { type Scalar, type Tensor1D, type Tensor2D, tf } from '../engine/tf.ts'
import { cosines } from './cosines.ts'
import { expectPairs } from './expect-pairs.ts'
import type { NtxentOptions, PairLossResult } from './options.ts'
import { withSlopes } from './with-slopes.ts'

/** Logit of a pair that is no negative: its share underflows to 0, and it is finite. */
const absent = -1e4

/**
 * Normalised temperature-scaled cross entropy: each positive pair against the anchor's negatives.
 *
 * Mean over positive pairs of −ln(e^{p/τ} / (e^{p/τ} + Σ e^{n/τ})). `pos` is each anchor's share,
 * so that the loss is its sum divided by the batch; `neg` and `variance` are 0.
 *
 * @param anchors - Embeddings, shape [batch, dim], float32, unit-norm rows.
 * @param refs - The anchors, then rows that get no gradient, shape [refs, dim].
 * @param positives - 1 where the pair is positive, else 0, float32, shape [batch, refs].
 * @param negatives - Likewise for negative pairs.
 * @returns Loss, its terms per anchor, and counts of pairs. The caller disposes them.
 * @throws {@link ShapeError} if a shape does not fit.
 * @see Chen, Kornblith, Norouzi, Hinton (2020), SimCLR, arXiv 2002.05709, formula 1.
 */
export function ntxentLoss(
  anchors: Tensor2D,
  refs: Tensor2D,
  positives: Tensor2D,
  negatives: Tensor2D,
  options: NtxentOptions = {},
): PairLossResult {
  const { temperature = ntxentTemperature(anchors.shape[0]) } = options
  expectPairs('ntxentLoss', anchors, refs, positives, negatives)
  return tf.tidy((): PairLossResult => {
    const batch = anchors.shape[0]
    const similarities = cosines(anchors, refs) // [batch, refs]
    const logits = tf.div(similarities, temperature) // [batch, refs]
    const against = tf.add(logits, tf.mul(tf.sub(1, negatives), absent)) // [batch, refs]
    const level = tf.logSumExp(against, 1, true) // [batch, 1]
    const pairs: Scalar = tf.sum(positives) // []
    const weight = tf.div(1, tf.maximum(pairs, 1)) // []

    const terms = tf.mul(tf.softplus(tf.sub(level, logits)), positives) // [batch, refs]
    const missed = tf.mul(tf.sigmoid(tf.sub(level, logits)), positives) // [batch, refs]
    const shares = tf.exp(tf.sub(against, level)) // [batch, refs]
    const pulls = tf.sub(tf.mul(tf.mul(shares, negatives), tf.sum(missed, 1, true)), missed) // [batch, refs]
    const slopes = tf.mul(pulls, tf.div(weight, temperature)) as Tensor2D // [batch, refs]

    const counts: Tensor1D = tf.sum(positives, 1) // [batch]
    return {
      loss: withSlopes(similarities, tf.mul(tf.sum(terms), weight) as Scalar, slopes),
      pos: tf.mul(tf.sum(terms, 1), tf.mul(weight, batch)),
      neg: tf.zeros([batch]),
      variance: tf.zeros([batch]),
      valid: tf.minimum(counts, 1),
      minedPositives: pairs,
      minedNegatives: tf.sum(negatives),
    }
  })
}

/** Default temperature: few negatives need a softer one. */
export function ntxentTemperature(batch: number): number {
  return batch <= 128 ? 0.2 : 0.07
}
