/** Who reports metrics. `serve` takes pictures in, too. */
export type MetricRole = 'serve' | 'embed' | 'learn'

/** What a metric is. */
export interface MetricDefinition {
  readonly kind: 'counter' | 'gauge' | 'histogram'
  readonly help: string
  readonly labels?: readonly string[]
  /** Who reports it; absent: every role. */
  readonly roles?: readonly MetricRole[]
  /** Upper bounds of a histogram's buckets. */
  readonly buckets?: readonly number[]
}

/** Metrics of one group, by name without `contrastream_`. */
export type MetricGroup = Readonly<Record<string, MetricDefinition>>

/** Buckets for what requests and pictures take, and for what rounds and releases take, s. */
export const shortBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
export const longBuckets = [1, 5, 15, 30, 60, 120, 300, 600, 1_800, 3_600]
