import { monitorEventLoopDelay } from 'node:perf_hooks'
import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import { InputError } from '../errors.ts'
import type { MetricDefinition, MetricRole } from './metrics-definition.ts'
import { flowMetrics } from './metrics-flow.ts'
import { httpMetrics } from './metrics-http.ts'
import { learningMetrics } from './metrics-learning.ts'
import { releaseMetrics } from './metrics-release.ts'

/**
 * Every metric there is, named without `contrastream_`; the label `role` comes on top.
 *
 * Never a label of images, clusters, versions or requests: their number has no end.
 */
export const metricDefinitions = {
  ...flowMetrics,
  ...learningMetrics,
  ...releaseMetrics,
  ...httpMetrics,
}

type Definitions = typeof metricDefinitions
/** Names of the metrics of a kind. */
type NamesOf<Kind extends MetricDefinition['kind']> = {
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

function metricOf(name: string, definition: MetricDefinition, registry: Registry): Metric {
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
  const own = Object.entries<MetricDefinition>(metricDefinitions).filter(
    ([, { roles }]) => roles?.includes(role) ?? true,
  )
  const metrics = new Map(own.map(([name, one]) => [name, metricOf(name, one, registry)]))
  const find = <M extends Metric>(name: string): M => {
    const metric = metrics.get(name)
    if (metric === undefined) throw new InputError(`metrics: expected one of ${role}, got ${name}`)
    return metric as M
  }
  const delay = monitorEventLoopDelay()
  delay.enable()
  const updates = [
    () => {
      // Nothing is measured until the loop has turned once: then it is NaN.
      find<Gauge>('event_loop_delay_seconds').set((delay.percentile(99) || 0) / 1e9)
      delay.reset()
    },
  ]
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
