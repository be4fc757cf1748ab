/** What the variable of a setting begins with; `__` stands between the parts of its key. */
export const settingPrefix: string = 'CONTRASTREAM__'

/** The variable that sets a key: `kafka.auth.kind` is `CONTRASTREAM__KAFKA__AUTH__KIND`. */
export function settingVariable(key: string): string {
  return `${settingPrefix}${key.replaceAll('.', '__').toUpperCase()}`
}

/** Variables of cloud functions and containers that are no settings of the pipeline. */
export const environmentNames = {
  /** Login of Kafka, which the entry point of the image puts into files. */
  kafkaUser: 'KAFKA_USER',
  kafkaPassword: 'KAFKA_PASSWORD',
  kafkaCertificate: 'KAFKA_CERTIFICATE',
  kafkaKey: 'KAFKA_KEY',
  /** Name of the bus that hears of published models. */
  eventBus: 'CONTRASTREAM_EVENT_BUS',
  /** Name of the bucket that pictures are dropped into. */
  uploadsBucket: 'CONTRASTREAM_UPLOADS_BUCKET',
  /** Largest index that `infer` holds, MiB of vectors. */
  maxIndexMb: 'CONTRASTREAM_MAX_INDEX_MB',
} as const

/** Namespace of the metrics that roles and functions print as lines of their logs. */
export const metricNamespace = 'contrastream'

/**
 * Metrics that the cloud's alarms and dashboard read, each with the dimensions `pipeline` and
 * `role`: those of `/metrics` under the same name, without `contrastream_`.
 */
export const metricNames = {
  oldestRecord: 'lag_oldest_seconds',
  applied: 'records_applied',
  quarantined: 'records_quarantined',
  checkpointAge: 'checkpoint_age_seconds',
  leasesLost: 'leases_lost',
  publishesFailed: 'publishes_failed',
  roundSeconds: 'round_seconds',
  modelVersion: 'model_version',
  candidateAge: 'candidate_unreleased_seconds',
  indexVectors: 'index_vectors',
} as const
