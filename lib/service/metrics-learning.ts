import {
  longBuckets,
  type MetricGroup,
  type MetricRole,
  shortBuckets,
} from './metrics-definition.ts'

const roles: readonly MetricRole[] = ['learn']

/** What the learner knows, and its rounds. */
export const learningMetrics = {
  fence: { kind: 'gauge', help: 'Number of the lease that is held', roles },
  checkpoint_age_seconds: { kind: 'gauge', help: 'Time since the last checkpoint', roles },
  checkpoint_write_seconds: {
    kind: 'histogram',
    help: 'Time to write a checkpoint',
    roles,
    buckets: shortBuckets,
  },
  round_seconds: {
    kind: 'histogram',
    help: 'Time of a round by phase: train, and rest for all else until its verdict is kept',
    labels: ['phase'],
    roles,
    buckets: longBuckets,
  },
  rounds_total: {
    kind: 'counter',
    help: 'Rounds by how they ended: promote, hold, reject, nothing, failed',
    labels: ['outcome'],
    roles,
  },
  steps_skipped_total: {
    kind: 'counter',
    help: 'Training steps left out, their gradient not being finite',
    roles,
  },
  label_churn_ratio: {
    kind: 'gauge',
    help: 'Share of pictures whose cluster has another identity since the last round',
    roles,
  },
  valid_ratio: { kind: 'gauge', help: 'Share of pairs that taught something', roles },
  effective_rank: { kind: 'gauge', help: 'Effective rank of the last candidate', roles },
  buffer_images: { kind: 'gauge', help: 'Pictures in the replay buffer', roles },
  clusters: { kind: 'gauge', help: 'Living clusters', roles },
  largest_cluster_ratio: { kind: 'gauge', help: 'Share of the largest cluster', roles },
  drift_ratio: { kind: 'gauge', help: 'Drift over its alarm threshold', roles },
} as const satisfies MetricGroup
