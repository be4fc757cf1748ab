import { type MetricGroup, shortBuckets } from './metrics-definition.ts'

/** Requests and their answers. */
export const httpMetrics = {
  http_request_seconds: {
    kind: 'histogram',
    help: 'Time from the head of a request to the end of its answer',
    labels: ['route', 'status'],
    buckets: shortBuckets,
  },
  search_seconds: {
    kind: 'histogram',
    help: 'Time of a search',
    roles: ['serve'],
    buckets: shortBuckets,
  },
} as const satisfies MetricGroup
