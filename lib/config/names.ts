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
  /** Whether the role prints metrics as lines of its log. */
  metricLines: 'CONTRASTREAM_METRIC_LINES',
  /** Largest index that `infer` holds, MiB of vectors. */
  maxIndexMb: 'CONTRASTREAM_MAX_INDEX_MB',
} as const

/** Namespace of the metrics that roles and functions print as lines of their logs. */
export const metricNamespace = 'contrastream'

/**
 * Metrics that the cloud's alarms and dashboard read, each with the dimensions `pipeline` and
 * `role`.
 */
export const metricNames = {
  /** Starts of the role, 1 each. */
  starts: 'starts',
  /** Records behind the end of the log. */
  waiting: 'records_waiting',
  /** Pictures that took effect since the last line. */
  applied: 'records_applied',
  /** Records set aside since the last line. */
  quarantined: 'records_quarantined',
  /** Length of a round that ended, s. */
  roundSeconds: 'round_seconds',
  /** How long the index of a candidate has been under way, s. */
  buildingSeconds: 'index_building_seconds',
  /** Number of the version that answers. */
  modelVersion: 'model_version',
  /** Vectors that can be found. */
  indexVectors: 'index_vectors',
} as const
