import type { Objective } from '../../lib/learn/objective.ts'
import { ntxentLoss } from '../../lib/loss/ntxent.ts'
import { tripletLoss, tripletMiningAt } from '../../lib/loss/triplet.ts'

/** NT-Xent at the temperature that suits the batch. */
export const ntxentObjective: Objective = {
  loss: (anchors, { positives, negatives }) => ntxentLoss(anchors, anchors, positives, negatives),
  dispose: () => undefined,
}

/** Triplets, batch-hard after 50 steps of semi-hard. */
export const tripletObjective: Objective = {
  loss: (anchors, { positives, negatives }, step) =>
    tripletLoss(anchors, anchors, positives, negatives, { mining: tripletMiningAt(step) }),
  dispose: () => undefined,
}
