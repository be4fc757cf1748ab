import { type Scalar, type Tensor, type Tensor2D, tf, type Variable } from '../engine/tf.ts'
import type { PairMasks } from '../loss/pairs.ts'
import type { Adam } from '../model/optimizer.ts'
import type { Objective } from './objective.ts'

/** What one optimiser step did. */
export interface StepReport {
  /** Dimensionless; not finite when the weights are beyond repair. */
  readonly loss: number
  /** Share of anchors that still violate the margin, [0, 1]. */
  readonly valid: number
  /** Whether the weights moved: not when no anchor is valid, nor when the loss is not finite. */
  readonly stepped: boolean
}

/**
 * One optimiser step on one batch.
 *
 * With no valid anchor there is nothing to learn: the optimiser then does nothing at all, neither
 * decay nor moments.
 *
 * @param embed - Student embeddings of the batch, shape [batch, dim], unit rows.
 * @param masks - Pairs of the batch; they stay the caller's.
 * @param step - Optimiser step of the round, from 0.
 * @param share - Of the optimiser's rate, 0–1. Default 1.
 */
export async function trainStep(
  embed: () => Tensor2D,
  masks: PairMasks,
  objective: Objective,
  variables: readonly Variable[],
  optimizer: Adam,
  step: number,
  share = 1,
): Promise<StepReport> {
  const aside: Scalar[] = []
  const { value, grads } = tf.variableGrads(() => {
    const result = objective.loss(embed(), masks, step)
    aside.push(tf.keep(tf.mean(result.valid) as Scalar)) // []
    return result.loss
  }, [...variables])
  const owned: Tensor[] = [value, ...aside, ...Object.values(grads)]
  try {
    const [loss = Number.NaN] = await value.data()
    const [valid = 0] = (await aside[0]?.data()) ?? []
    const stepped = Number.isFinite(loss) && valid > 0
    if (stepped) optimizer.step(grads, share)
    return { loss, valid, stepped }
  } finally {
    tf.dispose(owned)
  }
}
