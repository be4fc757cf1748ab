import { type Scalar, type Tensor, type Tensor1D, type Tensor2D, tf } from '../engine/tf.ts'
import { cosines } from './cosines.ts'
import { expectPairs } from './expect-pairs.ts'
import {
  defaultTripletOptions,
  type PairLossResult,
  type TripletMining,
  type TripletOptions,
} from './options.ts'
import { withSlopes } from './with-slopes.ts'

/** Squared distance below which a pair counts as equal: the root has no slope there. */
const leastSquare = 1e-6

/** Distance, negated for a maximum over it, of a pair that does not take part. */
const absent = 1e4

/** The triplets that take part, summed over what a slope does not need. */
interface Triplets {
  /** Sum of violations of each anchor, shape [batch]. */
  readonly violations: Tensor1D
  /** How many triplets use this pair as the positive, shape [batch, refs]. */
  readonly asPositive: Tensor2D
  /** How many triplets use this pair as the negative, shape [batch, refs]. */
  readonly asNegative: Tensor2D
}

/**
 * Triplet loss on Euclidean distances: a negative must be farther than a positive by the margin.
 *
 * Mean of [d_ap − d_an + m] over the triplets where it is above 0: of each anchor's farthest
 * positive and nearest negative (`hard`), of all triplets (`all`, memory batch · refs²), or of
 * those whose negative is already the farther one (`semi-hard`). `pos` is each anchor's share, so
 * that the loss is its sum divided by the batch; `neg` and `variance` are 0.
 *
 * @param anchors - Embeddings, shape [batch, dim], float32, unit-norm rows.
 * @param refs - The anchors, then rows that get no gradient, shape [refs, dim].
 * @param positives - 1 where the pair is positive, else 0, float32, shape [batch, refs].
 * @param negatives - Likewise for negative pairs.
 * @returns Loss, its terms per anchor, and counts of used pairs. The caller disposes them.
 * @throws {@link ShapeError} if a shape does not fit.
 * @see Schroff, Kalenichenko, Philbin (2015), FaceNet, arXiv 1503.03832; Hermans, Beyer, Leibe
 * (2017), arXiv 1703.07737, batch hard.
 */
export function tripletLoss(
  anchors: Tensor2D,
  refs: Tensor2D,
  positives: Tensor2D,
  negatives: Tensor2D,
  options: TripletOptions = {},
): PairLossResult {
  const { margin, mining } = { ...defaultTripletOptions, ...options }
  expectPairs('tripletLoss', anchors, refs, positives, negatives)
  return tf.tidy((): PairLossResult => {
    const batch = anchors.shape[0]
    const similarities = cosines(anchors, refs) // [batch, refs]
    const squares = tf.sub(2, tf.mul(similarities, 2)) // [batch, refs]
    const lifted = tf.relu(tf.sub(leastSquare, squares)) // [batch, refs], 0 for most; NaN stays
    const distances: Tensor2D = tf.sqrt(tf.add(squares, lifted)) // [batch, refs]
    const { violations, asPositive, asNegative } =
      mining === 'hard'
        ? hardest(distances, positives, negatives, margin)
        : allTriplets(distances, positives, negatives, margin, mining === 'semi-hard')

    const triplets = tf.sum(asPositive, 1) // [batch]
    const weight = tf.div(1, tf.maximum(tf.sum(triplets), 1)) // []
    const perSimilarity = tf.div(on(tf.greater(squares, leastSquare)), distances) // [batch, refs]
    const uses = tf.mul(tf.sub(asNegative, asPositive), weight) // [batch, refs]
    const loss = tf.mul(tf.sum(violations), weight) as Scalar // []
    return {
      loss: withSlopes(similarities, loss, tf.mul(uses, perSimilarity)),
      pos: tf.mul(violations, tf.mul(weight, batch)),
      neg: tf.zeros([batch]),
      variance: tf.zeros([batch]),
      valid: tf.minimum(triplets, 1) as Tensor1D,
      minedPositives: tf.sum(tf.minimum(asPositive, 1)),
      minedNegatives: tf.sum(tf.minimum(asNegative, 1)),
    }
  })
}

/**
 * The mining that suits a step: hard triplets collapse an untrained network.
 *
 * @param step - Steps already made.
 * @param warmUp - Steps of `semi-hard`. Default 50.
 */
export function tripletMiningAt(step: number, warmUp = 50): TripletMining {
  return step < warmUp ? 'semi-hard' : 'hard'
}

const on = (condition: Tensor): Tensor => tf.cast(condition, 'float32')

/** One triplet an anchor: its farthest positive and its nearest negative, ties to the lowest. */
function hardest(
  distances: Tensor2D,
  positives: Tensor2D,
  negatives: Tensor2D,
  margin: number,
): Triplets {
  const refs = distances.shape[1]
  const pick = (hardness: Tensor) => tf.cast(tf.oneHot(tf.argMax(hardness, 1), refs), 'float32')
  const far = pick(tf.sub(distances, tf.mul(tf.sub(1, positives), absent))) // [batch, refs]
  const near = pick(tf.sub(tf.mul(tf.sub(negatives, 1), absent), distances)) // [batch, refs]
  const gap = tf.sum(tf.mul(tf.sub(far, near), distances), 1) // [batch]
  const violation = tf.add(gap, margin) // [batch]
  const complete = tf.mul(tf.max(positives, 1), tf.max(negatives, 1)) // [batch]
  const used = tf.mul(on(tf.greater(violation, 0)), complete) // [batch]
  const column = tf.expandDims(used, 1) // [batch, 1]
  return {
    violations: tf.mul(violation, used),
    asPositive: tf.mul(far, column),
    asNegative: tf.mul(near, column),
  }
}

/** Every triplet that violates the margin, or only those with the negative already farther. */
function allTriplets(
  distances: Tensor2D,
  positives: Tensor2D,
  negatives: Tensor2D,
  margin: number,
  semiHard: boolean,
): Triplets {
  const gap = tf.sub(tf.expandDims(distances, 2), tf.expandDims(distances, 1)) // [batch, refs, refs]
  const violation = tf.add(gap, margin) // [batch, refs, refs]: anchor, positive, negative
  const pairs = tf.mul(tf.expandDims(positives, 2), tf.expandDims(negatives, 1)) // likewise
  const violating = tf.mul(on(tf.greater(violation, 0)), pairs) // likewise
  const used = semiHard ? tf.mul(violating, on(tf.less(gap, 0))) : violating // likewise
  return {
    violations: tf.sum(tf.mul(violation, used), [1, 2]),
    asPositive: tf.sum(used, 2), // [batch, refs]
    asNegative: tf.sum(used, 1), // [batch, refs]
  }
}
