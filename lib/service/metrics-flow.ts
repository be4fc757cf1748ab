import { type MetricGroup, type MetricRole, shortBuckets } from './metrics-definition.ts'

const perPartition = ['topic', 'partition'] as const
/** Those that take records in. */
const readers: readonly MetricRole[] = ['embed', 'learn']

/** Records and pictures on their way, and the process that moves them. */
export const flowMetrics = {
  lag_records: {
    kind: 'gauge',
    help: 'Records of the log that are not done with',
    labels: perPartition,
    roles: readers,
  },
  lag_oldest_seconds: {
    kind: 'gauge',
    help: 'Age of the oldest record that is not done with, as far as this process saw it come',
    labels: perPartition,
    roles: readers,
  },
  retention_used_ratio: {
    kind: 'gauge',
    help: 'Age of the oldest record that is not done with, as a share of the retention',
    labels: perPartition,
    roles: readers,
  },
  records_total: {
    kind: 'counter',
    help: 'Records by what became of them: applied (embed: vectors made, those of old pictures too), duplicate, erased, quarantined',
    labels: ['outcome'],
    roles: readers,
  },
  queue_bytes: { kind: 'gauge', help: 'Bytes of pictures in memory', roles: ['serve'] },
  decode_total: {
    kind: 'counter',
    help: 'Pictures decoded or refused, with the reason',
    labels: ['outcome', 'reason'],
  },
  decode_seconds: {
    kind: 'histogram',
    help: 'Time to decode a picture, from when it is handed in',
    buckets: shortBuckets,
  },
  decoder_restarts_total: { kind: 'counter', help: 'Times that decoder processes were replaced' },
  embed_seconds: {
    kind: 'histogram',
    help: 'Time of one call of the network',
    roles: ['serve', 'embed'],
    buckets: shortBuckets,
  },
  event_loop_delay_seconds: {
    kind: 'gauge',
    help: 'Delay of the event loop, 99th percentile since the last scrape',
  },
  restarts_total: { kind: 'counter', help: 'Starts of this role after a failure' },
} as const satisfies MetricGroup
