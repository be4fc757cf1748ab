/** How a client proves who it is. */
export type KafkaAuth =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'scram'
      readonly mechanism: 'scram-sha-256' | 'scram-sha-512'
      readonly username: string
      /** File with the password; one line end at its end does not count. */
      readonly passwordFile: string
    }
  | {
      readonly kind: 'mtls'
      /** PEM file of the certificate, and of those that vouch for it. */
      readonly certFile: string
      /** PEM file of its key. */
      readonly keyFile: string
    }
  | {
      /** Amazon MSK, with the credentials that the AWS SDK finds. */
      readonly kind: 'iam'
      readonly region: string
    }

/** Where the brokers are and how they are talked to. */
export interface KafkaConnection {
  /** `host:port`, at least one. */
  readonly brokers: readonly string[]
  /** Name of this client in the brokers' logs and quotas. */
  readonly clientId: string
  /** Default none. */
  readonly auth?: KafkaAuth
  /** Encrypt. Default on for every login but none; `scram` without it only on loopback. */
  readonly tls?: boolean
  /** PEM file of the authorities to trust instead of the system's. */
  readonly caFile?: string
}

/** Settings of the stream on Kafka. */
export interface KafkaStreamOptions {
  /** Begins the name of each topic. Default none. */
  readonly topicPrefix?: string
  /** Names of single topics instead of the prefixed one, by the name that the pipeline uses. */
  readonly topics?: Readonly<Record<string, string>>
  /** Whether missing topics are made; if not they must exist. Default true. */
  readonly createTopics?: boolean
  /** How long a silent member keeps its partitions, in ms. Default 45,000. */
  readonly sessionMs?: number
  /** Time between two signs of life, in ms. Default 3,000. */
  readonly heartbeatMs?: number
  /** How long the brokers wait for news, in ms; below {@link heartbeatMs}. Default 250. */
  readonly maxWaitMs?: number
  /** How long a member may take to let go of its partitions, in ms. Default 120,000. */
  readonly rebalanceMs?: number
  /** How long an answer is waited for before the connection counts as dead, in ms. Default 10,000. */
  readonly requestMs?: number
  /** How often a batch is handed over before its rejection is fatal, ≥ 1. Default 5. */
  readonly attempts?: number
  /** Pause before the second attempt, in ms; doubles up to 5 s. Default 200. */
  readonly backOffMs?: number
}

/** Defaults of {@link KafkaStreamOptions}. A handler may take 120 s: then the watchdog ends it. */
export const defaultKafkaStreamOptions: Required<KafkaStreamOptions> = {
  topicPrefix: '',
  topics: {},
  createTopics: true,
  sessionMs: 45_000,
  heartbeatMs: 3_000,
  maxWaitMs: 250,
  rebalanceMs: 120_000,
  requestMs: 10_000,
  attempts: 5,
  backOffMs: 200,
}
