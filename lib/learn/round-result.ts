import type { Clustering } from '../cluster/cluster.ts'
import type { ClusterStatistics } from '../cluster/statistics.ts'
import type { Matrix } from '../engine/matrix.ts'
import type { ModelFiles } from '../model/artifact.ts'
import type { FoldReport } from './fold.ts'
import type { Verdict } from './gate.ts'
import type { StudentState } from './state.ts'
import type { TrainingOutcome } from './train.ts'
import type { Watched } from './watch.ts'

/** The candidate, ready to be published. */
export interface Candidate {
  readonly files: ModelFiles
  /** Mean that its vectors are centred on, shape [dim]. */
  readonly mean: Float32Array
  readonly dim: number
  readonly clustering: Clustering
  /** Unit rows in the published space, shape [clusters, dim]. */
  readonly centroids: Matrix
  readonly trusted: Uint8Array
}

/** What a round did. */
export interface RoundReport {
  readonly number: number
  readonly k: number
  readonly pictures: number
  readonly fresh: number
  readonly training: Omit<TrainingOutcome, 'optimizer'>
  readonly clustering: ClusterStatistics
  readonly fold: FoldReport | undefined
}

/** How a round ended: with a verdict, or without a candidate. */
export type RoundResult =
  | {
      readonly outcome: 'judged'
      readonly report: RoundReport
      readonly candidate: Candidate
      readonly student: StudentState
      readonly verdict: Verdict
      readonly watched: Watched
    }
  | {
      readonly outcome: 'nothing' | 'failed'
      readonly reason: string
      readonly training: Omit<TrainingOutcome, 'optimizer'>
    }
