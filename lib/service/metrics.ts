import { monitorEventLoopDelay } from 'node:perf_hooks'
import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import { InputError } from '../errors.ts'

/** Who reports metrics. `serve` takes pictures in, too. */
export type MetricRole = 'serve' | 'embed' | 'learn'

interface Definition {
  readonly kind: 'counter' | 'gauge' | 'histogram'
  readonly help: string
  readonly labels?: readonly string[]
  /** Who reports it; absent: every role. */
  readonly roles?: readonly MetricRole[]
  /** Upper bounds of a histogram's buckets. */
  readonly buckets?: readonly number[]
}

const short = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
const long = [1, 5, 15, 30, 60, 120, 300, 600, 1_800, 3_600]
const perPartition = ['topic', 'partition']
const serve: readonly MetricRole[] = ['serve']
const learn: readonly MetricRole[] = ['learn']
const readers: readonly MetricRole[] = ['embed', 'learn']
const withModel: readonly MetricRole[] = ['serve', 'embed']

/**
 * Every metric there is, named without `contrastream_`; the label `role` comes on top.
 *
 * Never a label of images, clusters, versions or requests: their number has no end.
 */
export const metricDefinitions = {
  lag_records: { kind: 'gauge', help: 'Records behind the end of the log', labels: perPartition },
  lag_oldest_seconds: {
    kind: 'gauge',
    help: 'Age of the oldest record that is not done with',
    labels: perPartition,
  },
  records_total: {
    kind: 'counter',
    help: 'Records by what became of them: applied, duplicate, redelivered, quarantined, erased',
    labels: ['outcome'],
    roles: readers,
  },
  queue_bytes: { kind: 'gauge', help: 'Bytes of pictures in memory' },
  paused_partitions: { kind: 'gauge', help: 'Partitions that wait for room', roles: readers },
  checkpoint_age_seconds: {
    kind: 'gauge',
    help: 'Time since the last checkpoint',
    roles: learn,
  },
  checkpoint_write_seconds: {
    kind: 'histogram',
    help: 'Time to write a checkpoint',
    roles: learn,
    buckets: short,
  },
  decode_total: {
    kind: 'counter',
    help: 'Pictures decoded or refused, with the reason',
    labels: ['outcome', 'reason'],
  },
  decode_seconds: { kind: 'histogram', help: 'Time to decode a picture', buckets: short },
  decoder_restarts_total: { kind: 'counter', help: 'Decoder processes that were replaced' },
  embed_seconds: { kind: 'histogram', help: 'Time of one call of the network', buckets: short },
  fence: { kind: 'gauge', help: 'Number of the lease that is held', roles: learn },
  event_loop_delay_seconds: {
    kind: 'gauge',
    help: 'Delay of the event loop, 99th percentile since the last scrape',
  },
  retention_used_ratio: {
    kind: 'gauge',
    help: 'Share of the retention that the oldest needed record has used',
  },
  restarts_total: { kind: 'counter', help: 'Starts of this role after a failure' },
  round_seconds: {
    kind: 'histogram',
    help: 'Time of a phase of a round',
    labels: ['phase'],
    roles: learn,
    buckets: long,
  },
  rounds_total: {
    kind: 'counter',
    help: 'Rounds by how they ended: promote, hold, reject, nothing, failed',
    labels: ['outcome', 'reason'],
    roles: learn,
  },
  buffer_images: { kind: 'gauge', help: 'Pictures in the replay buffer', roles: learn },
  clusters: { kind: 'gauge', help: 'Living clusters', roles: learn },
  largest_cluster_ratio: { kind: 'gauge', help: 'Share of the largest cluster', roles: learn },
  label_churn_ratio: {
    kind: 'gauge',
    help: 'Share of pictures whose pseudo-label changed',
    roles: learn,
  },
  valid_ratio: { kind: 'gauge', help: 'Share of pairs that taught something', roles: learn },
  effective_rank: { kind: 'gauge', help: 'Effective rank of the embeddings', roles: learn },
  steps_skipped_total: {
    kind: 'counter',
    help: 'Training steps left out, their gradient not being finite',
    roles: learn,
  },
  drift_ratio: { kind: 'gauge', help: 'Drift over its alarm threshold', roles: learn },
  model_version: { kind: 'gauge', help: 'Number of the version in use', roles: withModel },
  refresh_total: {
    kind: 'counter',
    help: 'Releases taken over, by outcome',
    labels: ['outcome'],
    roles: serve,
  },
  refresh_seconds: {
    kind: 'histogram',
    help: 'Time from the move of the channel to the first answer',
    roles: serve,
    buckets: long,
  },
  generation_coverage_ratio: {
    kind: 'gauge',
    help: 'Share of retained pictures in the index',
    roles: withModel,
  },
  index_recall_ratio: {
    kind: 'gauge',
    help: 'Recall at 10 of the index against a scan',
    roles: ['embed'],
  },
  index_vectors: { kind: 'gauge', help: 'Vectors in the index', roles: withModel },
  http_request_seconds: {
    kind: 'histogram',
    help: 'Time from the head of a request to the end of its answer',
    labels: ['route', 'status'],
    buckets: short,
  },
  search_seconds: { kind: 'histogram', help: 'Time of a search', roles: serve, buckets: short },
} as const satisfies Readonly<Record<string, Definition>>

type Definitions = typeof metricDefinitions
/** Names of the metrics of a kind. */
type NamesOf<Kind extends Definition['kind']> = {
  [Name in keyof Definitions]: Definitions[Name]['kind'] extends Kind ? Name : never
}[keyof Definitions]
type LabelsOf<Name extends keyof Definitions> = Definitions[Name] extends {
  readonly labels: readonly (infer Label extends string)[]
}
  ? Readonly<Record<Label, string>>
  : Readonly<Record<string, never>>

/** The metrics of one process. */
export interface Metrics {
  readonly contentType: string
  /** What Prometheus reads. */
  text(): Promise<string>
  count<Name extends NamesOf<'counter'>>(name: Name, labels: LabelsOf<Name>, by?: number): void
  set<Name extends NamesOf<'gauge'>>(name: Name, labels: LabelsOf<Name>, value: number): void
  /** @param value - In the base unit of the name. */
  observe<Name extends NamesOf<'histogram'>>(
    name: Name,
    labels: LabelsOf<Name>,
    value: number,
  ): void
  /** Asks for values whenever somebody reads the metrics. */
  onRead(update: () => void): void
}

type Metric = Counter | Gauge | Histogram

function metricOf(name: string, definition: Definition, registry: Registry): Metric {
  const { kind, help, labels = [], buckets = [] } = definition
  const common = { name: `contrastream_${name}`, help, labelNames: labels, registers: [registry] }
  if (kind === 'counter') return new Counter(common)
  if (kind === 'histogram') return new Histogram({ ...common, buckets: [...buckets] })
  const gauge = new Gauge(common)
  // A value that nobody has measured is absent, and not 0.
  if (labels.length === 0) gauge.remove()
  return gauge
}

/**
 * The metrics that a role reports: counts from 0, gauges once they are set.
 *
 * @throws {@link InputError} from its methods, for a metric of another role.
 */
export function openMetrics(role: MetricRole): Metrics {
  const registry = new Registry()
  registry.setDefaultLabels({ role })
  const own = Object.entries<Definition>(metricDefinitions).filter(
    ([, { roles }]) => roles?.includes(role) ?? true,
  )
  const metrics = new Map(own.map(([name, one]) => [name, metricOf(name, one, registry)]))
  const delay = monitorEventLoopDelay()
  delay.enable()
  const updates = [
    () => {
      // Nothing is measured until the loop has turned once: then it is NaN.
      find<Gauge>('event_loop_delay_seconds').set((delay.percentile(99) || 0) / 1e9)
      delay.reset()
    },
  ]
  const find = <M extends Metric>(name: string): M => {
    const metric = metrics.get(name)
    if (metric === undefined) throw new InputError(`metrics: expected one of ${role}, got ${name}`)
    return metric as M
  }
  return {
    contentType: registry.contentType,
    text: () => {
      for (const update of updates) update()
      return registry.metrics()
    },
    count: (name, labels, by = 1) => find<Counter>(name).inc(labels, by),
    set: (name, labels, value) => find<Gauge>(name).set(labels, value),
    observe: (name, labels, value) => find<Histogram>(name).observe(labels, value),
    onRead: (update) => {
      updates.push(update)
    },
  }
}
