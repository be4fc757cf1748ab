import { type Tensor1D, type Tensor2D, tf } from '../engine/tf.ts'
import { adaptiveThresholds } from '../loss/adaptive.ts'
import { cosines } from '../loss/cosines.ts'
import type { PairLossParams, PairLossResult } from '../loss/options.ts'
import { pairLoss } from '../loss/pair-loss.ts'
import type { PairMasks } from '../loss/pairs.ts'

/** What training minimises: a loss over the pairs of a batch. */
export interface Objective {
  /**
   * Loss of one batch.
   *
   * @param anchors - Student embeddings, shape [batch, dim], unit rows.
   * @param step - Optimiser step of the round, from 0.
   */
  loss(anchors: Tensor2D, masks: PairMasks, step: number): PairLossResult
  dispose(): void
}

/** The pair loss at fixed thresholds. */
export function pairObjective(params: PairLossParams): Objective {
  return {
    loss: (anchors, { positives, negatives }) =>
      pairLoss(anchors, anchors, positives, negatives, params),
    dispose: () => undefined,
  }
}

/** The pair loss with thresholds that follow the similarities of the batches. */
export function adaptiveObjective(params: PairLossParams): Objective {
  let state: Tensor1D | undefined
  return {
    loss: (anchors, { positives, negatives }) =>
      tf.tidy(() => {
        const similarities = cosines(anchors, anchors) // [batch, batch]
        const next = adaptiveThresholds(similarities, positives, negatives, params, state)
        state?.dispose()
        state = tf.keep(next.state)
        return pairLoss(anchors, anchors, positives, negatives, next.params)
      }),
    dispose: () => state?.dispose(),
  }
}
