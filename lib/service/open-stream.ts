import type { DatabaseSync } from 'node:sqlite'
import type { Config } from '../config/schema.ts'
import { ConfigError } from '../errors.ts'
import { sqliteStream } from '../stream/sqlite.ts'
import { pipelineTopics, topicNames } from '../stream/topics.ts'
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

const hourMs = 3_600_000

/**
 * What the topics of the pipeline must look like.
 *
 * @param partitions - Default: as many as are configured; one where one process reads.
 */
export function topicsOf(
  { stream, kafka, log }: Config,
  partitions: number = stream.adapter === 'kafka' ? kafka.partitions : 1,
): readonly TopicSpec[] {
  return pipelineTopics(partitions, stream.maxRecordBytes, log.retention.hours * hourMs)
}

/**
 * Makes the topics that are missing: as many partitions of vectors as the pictures have, whoever
 * made that topic.
 *
 * @throws {@link ConfigError} if their numbers differ: a vector goes into the partition of its picture.
 */
export async function ensurePipelineTopics(stream: StreamPort, config: Config): Promise<void> {
  const { unlabeled, embedded } = topicNames
  const count = async (topic: string) => (await stream.watermarks(topic)).length
  await stream.ensureTopics(topicsOf(config).filter(({ name }) => name === unlabeled))
  const partitions = await count(unlabeled)
  await stream.ensureTopics(topicsOf(config, partitions))
  const others = await count(embedded)
  if (others === partitions) return
  throw new ConfigError(
    `kafka.topics: expected ${embedded} to have the ${partitions} partitions of ${unlabeled}, got ${others}; make it again with ${partitions}, or name another topic for it`,
  )
}
