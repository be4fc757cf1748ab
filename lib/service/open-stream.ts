import type { DatabaseSync } from 'node:sqlite'
import type { Config } from '../config/schema.ts'
import { ConfigError } from '../errors.ts'
import { kafkaStream } from '../stream/kafka.ts'
import type { KafkaAuth } from '../stream/kafka-options.ts'
import { sqliteStream } from '../stream/sqlite.ts'
import { pipelineTopics } from '../stream/topics.ts'
import type { StreamPort, TopicSpec } from '../stream/types.ts'

/**
 * The stream that the configuration chooses.
 *
 * @param database - Of the data folder: the stream itself, unless Kafka is.
 * @throws {@link ConfigError} if Kafka is chosen and its settings do not suffice.
 */
export function openStream(config: Config, database: DatabaseSync): StreamPort {
  if (config.stream.adapter === 'sqlite') return sqliteStream(database)
  const { brokers, tls, caFile, ensureTopics, topicPrefix, topics } = config.kafka
  if (brokers.length === 0) {
    throw new ConfigError('kafka.brokers: expected at least one host:port, got none')
  }
  const ownPrefix = config.name === 'main' ? '' : `${config.name}.`
  return kafkaStream(
    {
      brokers,
      clientId: `contrastream-${config.name}`,
      auth: authOf(config),
      ...(tls !== 'auto' && { tls }),
      ...(caFile !== '' && { caFile }),
    },
    {
      createTopics: ensureTopics,
      topicPrefix: topicPrefix === 'auto' ? ownPrefix : topicPrefix,
      topics,
    },
  )
}

/** What the topics of the pipeline must look like; one partition where one process reads. */
export function topicsOf({ stream, kafka }: Config): readonly TopicSpec[] {
  const partitions = stream.adapter === 'kafka' ? kafka.partitions : 1
  return pipelineTopics(partitions, stream.maxRecordBytes)
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
