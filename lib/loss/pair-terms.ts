import { type Scalar, type Tensor, type Tensor1D, type Tensor2D, tf } from '../engine/tf.ts'
import { type PairLossParams, type PairLossResult, referenceNegatives } from './options.ts'

/** A setting, or one computed on the engine. */
type Level = number | Scalar

/** {@link PairLossResult} with the slope of the loss in each similarity. */
export type PairTerms = PairLossResult & {
  /** ∂loss/∂s, shape [batch, refs]. */
  readonly slopes: Tensor2D
}

/** Hardness of a pair that is not on this side: below every real one, and finite. */
const absent = -1e4

/**
 * Mined loss of every anchor and its slopes in closed form, from similarities alone.
 *
 * @param similarities - Cosines in [-1, 1], shape [batch, refs].
 * @param positives - 1 where the pair is positive, else 0, float32, shape [batch, refs].
 * @param negatives - Likewise for negative pairs; a pair in neither mask is ignored.
 * @returns Values and slopes; the caller disposes them.
 * @see Kan et al. (2023), arXiv 2210.04402: aP, bP ↔ α, β of same pairs, λ, γ of the variance.
 */
export function pairTerms(
  similarities: Tensor2D,
  positives: Tensor2D,
  negatives: Tensor2D,
  params: PairLossParams<Level>,
): PairTerms {
  const { aP, bP, kappaP = bP, aN, bN, kappaN = bN, margin } = params
  return tf.tidy(() => {
    const batch = similarities.shape[0]
    // A pair is the harder, the more alike a negative and the less alike a positive.
    const hardP = tf.sub(tf.mul(tf.sub(1, positives), absent), similarities) // [batch, refs]
    const hardN = tf.add(tf.mul(tf.sub(1, negatives), absent), similarities) // [batch, refs]
    const hardestP = tf.max(hardP, 1, true) // [batch, 1]
    const hardestN = tf.max(hardN, 1, true) // [batch, 1]
    const minedP = above(hardP, tf.sub(-margin, hardestN)) // [batch, refs]
    const minedN = above(hardN, tf.sub(-margin, hardestP)) // [batch, refs]
    const countP = tf.sum(minedP, 1, true) // [batch, 1]
    const countN = tf.sum(minedN, 1, true) // [batch, 1]
    const valid = tf.minimum(tf.mul(countP, countN), 1) // [batch, 1]
    const weight = tf.div(valid, batch) // [batch, 1]

    const p = side({
      hardness: hardP,
      mined: minedP,
      hardest: hardestP,
      valid,
      centre: tf.neg(aP),
      width: bP,
      kappa: kappaP,
    })
    const n = side({
      hardness: hardN,
      mined: minedN,
      hardest: hardestN,
      valid,
      centre: aN,
      width: bN,
      kappa: kappaN,
    })
    const v = spread(similarities, positives, negatives, params)
    const pairSlopes = tf.sub(
      tf.mul(n.weights, tf.mul(n.factor, weight)),
      tf.mul(p.weights, tf.mul(p.factor, weight)),
    ) // [batch, refs]
    const slopes =
      params.lambda === 0 ? pairSlopes : tf.add(pairSlopes, v.slopes(tf.mul(weight, params.lambda)))

    const pos = tf.mul(p.term, valid) // [batch, 1]
    const neg = tf.mul(n.term, valid) // [batch, 1]
    const variance = tf.mul(v.term, valid) // [batch, 1]
    const total = tf.add(tf.add(pos, neg), tf.mul(variance, params.lambda)) // [batch, 1]
    return {
      loss: tf.div(tf.sum(total), batch) as Scalar, // []
      pos: column(pos),
      neg: column(neg),
      variance: column(variance),
      valid: column(valid),
      minedPositives: tf.sum(countP) as Scalar, // []
      minedNegatives: tf.sum(countN) as Scalar, // []
      slopes: slopes as Tensor2D,
    }
  })
}

/** 1 where a value exceeds its row's bound, else 0. */
const above = (values: Tensor, bound: Tensor): Tensor =>
  tf.cast(tf.greater(values, bound), 'float32')

const column = (values: Tensor): Tensor1D => tf.reshape(values, [-1]) // [batch]

/** Pairs of one side, each the harder the closer its anchor is to taking it for the other. */
interface Side {
  /** Shape [batch, refs]. */
  readonly hardness: Tensor
  /** 1 for pairs that take part, shape [batch, refs]. */
  readonly mined: Tensor
  /** Of all its pairs, which is the hardest mined one too where any is, shape [batch, 1]. */
  readonly hardest: Tensor
  /** 1 where something is mined, shape [batch, 1]. */
  readonly valid: Tensor
  readonly centre: Level
  readonly width: Level
  readonly kappa: Level
}

/**
 * κ ln(1 + Σ e^z) over mined pairs, z = (hardness − centre) / width.
 *
 * Measured from `shift`, the hardest pair or the centre, so that no exponent is above 0: with
 * r = (shift − centre) / width it is κ (r + ln(1 + excess)), excess = Σ e^{z−r} + e^{−r} − 1 ≥ 0.
 * The slope of a pair is its weight times its row's factor.
 */
function side({ hardness, mined, hardest, valid, centre, width, kappa }: Side): {
  term: Tensor
  weights: Tensor
  factor: Tensor
} {
  const shift = tf.maximum(hardest, centre) // [batch, 1]
  const rise = tf.div(tf.sub(shift, centre), width) // [batch, 1]
  const weights = tf.mul(tf.exp(tf.div(tf.sub(hardness, shift), width)), mined) // [batch, refs]
  const rest = tf.mul(tf.expm1(tf.neg(rise)), valid) // [batch, 1]: without pairs ln 0 otherwise
  const excess = tf.add(tf.sum(weights, 1, true), rest) // [batch, 1]
  return {
    term: tf.mul(tf.add(rise, tf.log1p(excess)), kappa), // [batch, 1]
    weights,
    factor: tf.div(kappa, tf.mul(tf.add(excess, 1), width)), // [batch, 1]
  }
}

/**
 * Variance term c Σ (s − ξ)² over unmined negatives, ξ = γ μP + (1 − γ) μN, as the sum of the
 * negatives' own spread and of n γ² (μP − μN)².
 */
function spread(
  similarities: Tensor2D,
  positives: Tensor2D,
  negatives: Tensor2D,
  { gamma, reduction }: PairLossParams<Level>,
): { term: Tensor; slopes: (weight: Tensor) => Tensor } {
  const nP = tf.maximum(tf.sum(positives, 1, true), 1) // [batch, 1]
  const nN = tf.maximum(tf.sum(negatives, 1, true), 1) // [batch, 1]
  const meanP = tf.div(tf.sum(tf.mul(similarities, positives), 1, true), nP) // [batch, 1]
  const meanN = tf.div(tf.sum(tf.mul(similarities, negatives), 1, true), nN) // [batch, 1]
  const pull = tf.mul(tf.sub(meanP, meanN), gamma * gamma) // [batch, 1]
  const centred = tf.mul(tf.sub(similarities, meanN), negatives) // [batch, refs]
  const own = tf.sum(tf.square(centred), 1, true) // [batch, 1]
  const shared = tf.mul(tf.mul(nN, pull), tf.sub(meanP, meanN)) // [batch, 1]
  const scaled = (x: Tensor): Tensor =>
    reduction === 'sum' ? x : tf.div(reduction === 'mean' ? x : tf.mul(x, referenceNegatives), nN)
  return {
    term: scaled(tf.add(own, shared)), // [batch, 1]
    slopes: (weight) => {
      const twice = scaled(tf.mul(weight, 2)) // [batch, 1]
      const ofNegatives = tf.sub(centred, tf.mul(negatives, pull)) // [batch, refs]
      const ofPositives = tf.mul(positives, tf.div(tf.mul(pull, nN), nP)) // [batch, refs]
      return tf.mul(tf.add(ofNegatives, ofPositives), twice)
    },
  }
}
