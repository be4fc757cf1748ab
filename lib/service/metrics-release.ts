import { longBuckets, type MetricGroup } from './metrics-definition.ts'

/** Models and indexes in service. */
export const releaseMetrics = {
  model_version: {
    kind: 'gauge',
    help: 'Number of the version in use',
    roles: ['serve', 'embed'],
  },
  index_vectors: { kind: 'gauge', help: 'Vectors in the index', roles: ['serve', 'embed'] },
  generation_coverage_ratio: {
    kind: 'gauge',
    help: 'Share of retained pictures in the index',
    roles: ['embed'],
  },
  index_recall_ratio: {
    kind: 'gauge',
    help: 'Recall at 10 of the index against a scan, when it was last measured',
    roles: ['embed'],
  },
  refresh_total: {
    kind: 'counter',
    help: 'Releases that were to be taken over: taken, failed',
    labels: ['outcome'],
    roles: ['serve'],
  },
  refresh_seconds: {
    kind: 'histogram',
    help: 'Time from seeing that the channel has moved to the first answer',
    roles: ['serve'],
    buckets: longBuckets,
  },
} as const satisfies MetricGroup
