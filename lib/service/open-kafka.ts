import type { Config } from '../config/schema.ts'
import { ConfigError } from '../errors.ts'
import { kafkaStream } from '../stream/kafka.ts'
import type { KafkaAuth, KafkaConnection, KafkaStreamOptions } from '../stream/kafka-options.ts'
import type { StreamPort } from '../stream/types.ts'

/** How the Kafka that the configuration names is reached, and what is where on it. */
export interface KafkaPlace {
  readonly connection: KafkaConnection
  readonly options: KafkaStreamOptions
}

/**
 * The Kafka that the configuration names.
 *
 * @throws {@link ConfigError} if its settings do not suffice.
 */
export function openKafka(config: Config): StreamPort {
  const { connection, options } = kafkaPlace(config)
  return kafkaStream(connection, options)
}

/** @throws {@link ConfigError} if there is no broker. */
export function kafkaPlace(config: Config): KafkaPlace {
  const { brokers, tls, caFile, ensureTopics, topicPrefix, topics } = config.kafka
  if (brokers.length === 0) {
    throw new ConfigError('kafka.brokers: expected at least one host:port, got none')
  }
  const ownPrefix = config.name === 'main' ? '' : `${config.name}.`
  return {
    connection: {
      brokers,
      clientId: `contrastream-${config.name}`,
      auth: authOf(config),
      ...(tls !== 'auto' && { tls }),
      ...(caFile !== '' && { caFile }),
    },
    options: {
      createTopics: ensureTopics,
      topicPrefix: topicPrefix === 'auto' ? ownPrefix : topicPrefix,
      topics,
    },
  }
}

function authOf({ kafka: { auth } }: Config): KafkaAuth {
  const { kind, mechanism, username, passwordFile, certFile, keyFile, region } = auth
  switch (kind) {
    case 'none':
      return { kind }
    case 'scram':
      return { kind, mechanism, username, passwordFile }
    case 'mtls':
      return { kind, certFile, keyFile }
    case 'iam':
      return { kind, region }
  }
}
