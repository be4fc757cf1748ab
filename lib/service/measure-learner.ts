import type { PipelineEvent } from './events.ts'
import type { Learner } from './learner.ts'
import type { Metrics } from './metrics.ts'
import { rise } from './metrics-rise.ts'

const recordOutcomes = ['applied', 'duplicate', 'erased', 'quarantined'] as const

/** What becomes of a learner in metrics. */
export interface LearnerMeasure {
  onEvent(event: PipelineEvent): void
  onCheckpoint(ms: number): void
  /** Shows where a learner stands whenever somebody reads the metrics. */
  watch(learner: Pick<Learner, 'status' | 'figures'>): void
}

/**
 * Keeps the metrics of a learner.
 *
 * @param now - ms since 1970.
 */
export function measureLearner(metrics: Metrics, now: () => number): LearnerMeasure {
  let began: number | undefined
  return {
    onEvent: (event) => {
      if (event.event === 'round-began') began = now()
      if (event.event !== 'round') return
      const { verdict, seconds, churn, valid, skipped, effectiveRank } = event
      metrics.count('rounds_total', { outcome: verdict })
      metrics.count('steps_skipped_total', {}, skipped)
      metrics.observe('round_seconds', { phase: 'train' }, seconds)
      if (began !== undefined) {
        const rest = Math.max(0, (now() - began) / 1_000 - seconds)
        metrics.observe('round_seconds', { phase: 'rest' }, rest)
      }
      metrics.set('label_churn_ratio', {}, churn)
      metrics.set('valid_ratio', {}, valid)
      if (effectiveRank !== undefined) metrics.set('effective_rank', {}, effectiveRank)
    },
    onCheckpoint: (ms) => metrics.observe('checkpoint_write_seconds', {}, ms / 1_000),
    watch: (learner) => {
      const outcomes = recordOutcomes.map((outcome) => ({
        outcome,
        tell: rise((by) => metrics.count('records_total', { outcome }, by)),
      }))
      const show = (): void => {
        const { buffered, driftRatio } = learner.status
        const { records, checkpointAt, clusterSizes } = learner.figures
        for (const { outcome, tell } of outcomes) tell(records[outcome])
        metrics.set('buffer_images', {}, buffered)
        metrics.set('drift_ratio', {}, driftRatio)
        metrics.set('clusters', {}, clusterSizes.length)
        const pictures = clusterSizes.reduce((sum, size) => sum + size, 0)
        if (pictures > 0) {
          metrics.set('largest_cluster_ratio', {}, Math.max(...clusterSizes) / pictures)
        }
        if (checkpointAt !== undefined) {
          metrics.set('checkpoint_age_seconds', {}, Math.max(0, now() - checkpointAt) / 1_000)
        }
      }
      show() // what it has done before is what rises are counted from
      metrics.onRead(show)
    },
  }
}
