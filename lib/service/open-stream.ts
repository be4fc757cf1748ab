import type { DatabaseSync } from 'node:sqlite'
import type { Config } from '../config/schema.ts'
import { sqliteStream } from '../stream/sqlite.ts'
import { pipelineTopics } from '../stream/topics.ts'
import type { StreamPort, TopicSpec } from '../stream/types.ts'
import { openKafka } from './open-kafka.ts'

/**
 * The stream that the configuration chooses.
 *
 * @param database - Of the data folder: the stream itself, unless Kafka is.
 * @throws {@link ConfigError} if Kafka is chosen and its settings do not suffice.
 */
export function openStream(config: Config, database: DatabaseSync): StreamPort {
  return config.stream.adapter === 'sqlite' ? sqliteStream(database) : openKafka(config)
}

/** What the topics of the pipeline must look like; one partition where one process reads. */
export function topicsOf({ stream, kafka }: Config): readonly TopicSpec[] {
  const partitions = stream.adapter === 'kafka' ? kafka.partitions : 1
  return pipelineTopics(partitions, stream.maxRecordBytes)
}
