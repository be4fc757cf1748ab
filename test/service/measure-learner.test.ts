import { expect, it } from 'vitest'
import type { RoundEnded } from '../../lib/service/events.ts'
import type { LearnerFigures } from '../../lib/service/learner.ts'
import { measureLearner } from '../../lib/service/measure-learner.ts'
import { openMetrics } from '../../lib/service/metrics.ts'

const round: RoundEnded = {
  event: 'round',
  round: 1,
  verdict: 'hold',
  reason: 'not better',
  version: undefined,
  pictures: 100,
  fresh: 50,
  k: 8,
  steps: 200,
  seconds: 40,
  ended: 'steps',
  loss: 0.4,
  valid: 0.3,
  skipped: 2,
  effectiveRank: 12.5,
  churn: 0.1,
  needsPictures: undefined,
  comparisons: {},
}

it('tells how a round ended, how long it took and what it was like', async () => {
  const metrics = openMetrics('learn')
  let now = 1_000_000
  const measure = measureLearner(metrics, () => now)
  measure.onEvent({ event: 'round-began', round: 1, pictures: 100, fresh: 50, k: 8 })
  now += 60_000
  measure.onEvent(round)
  measure.onCheckpoint(20)
  const text = await metrics.text()
  for (const line of [
    'rounds_total{outcome="hold",role="learn"} 1',
    'steps_skipped_total{role="learn"} 2',
    'round_seconds_sum{role="learn",phase="train"} 40',
    'round_seconds_sum{role="learn",phase="rest"} 20',
    'label_churn_ratio{role="learn"} 0.1',
    'valid_ratio{role="learn"} 0.3',
    'effective_rank{role="learn"} 12.5',
    'checkpoint_write_seconds_sum{role="learn"} 0.02',
  ]) {
    expect(text).toContain(`contrastream_${line}`)
  }
})

it('counts the records of this process, not those of the whole history', async () => {
  const metrics = openMetrics('learn')
  const measure = measureLearner(metrics, () => 90_000)
  let records = { applied: 1_000, duplicate: 10, erased: 0, quarantined: 1 }
  const learner = {
    status: { buffered: 20, driftRatio: 0.5 } as never,
    get figures(): LearnerFigures {
      return { offsets: {}, checkpointAt: 60_000, records, clusterSizes: [5, 15] }
    },
  }
  measure.watch(learner)
  records = { applied: 1_007, duplicate: 10, erased: 2, quarantined: 2 }
  const text = await metrics.text()
  for (const line of [
    'records_total{outcome="applied",role="learn"} 7',
    'records_total{outcome="erased",role="learn"} 2',
    'records_total{outcome="quarantined",role="learn"} 1',
    'buffer_images{role="learn"} 20',
    'clusters{role="learn"} 2',
    'largest_cluster_ratio{role="learn"} 0.75',
    'drift_ratio{role="learn"} 0.5',
    'checkpoint_age_seconds{role="learn"} 30',
  ]) {
    expect(text).toContain(`contrastream_${line}`)
  }
  expect(text).not.toContain('outcome="duplicate"')
})
