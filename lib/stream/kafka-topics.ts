import { setTimeout as delay } from 'node:timers/promises'
import type { ConfigResourceTypes, ITopicConfig } from 'kafkajs'
import { StreamError } from '../errors.ts'
import type { Ask } from './kafka-ask.ts'
import { rootCause } from './kafka-errors.ts'
import { type Names, partitionName } from './kafka-names.ts'
import type { TopicSpec, Watermark } from './types.ts'

/** A topic as the brokers know it. */
export interface Topic {
  /** Name at the brokers. */
  readonly kafkaName: string
  readonly partitions: number
  readonly isCompacted: boolean
  /** Largest batch of records that the brokers take, in bytes. */
  readonly maxBatchBytes: number
  /** How long records stay, in ms; undefined where we may not see it. */
  readonly retentionMs: number | undefined
}

/** What a batch with one record holds beside the record's value, in bytes at most. */
export const recordRoom = 4_096

/** Largest batch where the topic does not tell: the brokers' own default. */
const defaultMaxBatchBytes = 1_048_588

/** `ConfigResourceTypes.TOPIC`, which Node does not find among the exports of kafkajs. */
const topicResource: ConfigResourceTypes.TOPIC = 2

/** How long a new topic may take to get its leaders, in ms. */
const leadersMs = 30_000

/** Topics by the pipeline's names. */
export interface Topics {
  ensure(specs: readonly TopicSpec[]): Promise<void>
  /** Known once is known for ever: partition counts never change. */
  find(name: string): Promise<Topic | undefined>
  /** @throws {@link StreamError} with reason `no-topic`. */
  get(name: string): Promise<Topic>
  watermarks(name: string): Promise<Watermark[]>
}

/**
 * Topics of a cluster.
 *
 * @param createTopics - Whether `ensure` may make what is missing.
 */
export function kafkaTopics(ask: Ask, names: Names, createTopics: boolean): Topics {
  const known = new Map<string, Topic>()

  /** Partitions of a topic; undefined if there is none, or not yet with leaders. */
  async function partitionCount(kafkaName: string): Promise<number | undefined> {
    try {
      const metadata = await ask((admin) => admin.fetchTopicMetadata({ topics: [kafkaName] }))
      return metadata.topics[0]?.partitions.length
    } catch (error) {
      const { type } = rootCause(error)
      if (type === 'UNKNOWN_TOPIC_OR_PARTITION' || type === 'LEADER_NOT_AVAILABLE') return undefined
      throw error
    }
  }

  /** Settings of a topic; none where we have no right to see them. */
  async function settings(kafkaName: string): Promise<ReadonlyMap<string, string>> {
    try {
      const configNames = ['max.message.bytes', 'cleanup.policy', 'retention.ms']
      const { resources } = await ask((admin) =>
        admin.describeConfigs({
          includeSynonyms: false,
          resources: [{ type: topicResource, name: kafkaName, configNames }],
        }),
      )
      const entries = resources[0]?.configEntries ?? []
      return new Map(entries.map((entry) => [entry.configName, entry.configValue]))
    } catch (error) {
      if (rootCause(error).type === 'TOPIC_AUTHORIZATION_FAILED') return new Map()
      throw error
    }
  }

  async function find(name: string): Promise<Topic | undefined> {
    const cached = known.get(name)
    if (cached) return cached
    const kafkaName = names.toKafka(name)
    const partitions = await partitionCount(kafkaName)
    if (partitions === undefined) return undefined
    const found = await settings(kafkaName)
    const retention = Number(found.get('retention.ms') ?? Number.NaN)
    const topic = {
      kafkaName,
      partitions,
      isCompacted: found.get('cleanup.policy')?.includes('compact') ?? false,
      maxBatchBytes: Number(found.get('max.message.bytes') ?? defaultMaxBatchBytes),
      retentionMs: Number.isNaN(retention) ? undefined : retention < 0 ? Infinity : retention,
    }
    known.set(name, topic)
    return topic
  }

  async function get(name: string): Promise<Topic> {
    const topic = await find(name)
    if (topic) return topic
    const message = `stream: expected a topic that exists, got ${names.toKafka(name)}`
    throw new StreamError(message, { reason: 'no-topic' })
  }

  /** kafkajs waits for leaders in a way that fails: we look ourselves. */
  async function awaitLeaders(name: string): Promise<void> {
    const deadline = performance.now() + leadersMs
    while ((await find(name)) === undefined) {
      if (performance.now() > deadline) await get(name)
      await delay(20)
    }
  }

  async function ensure(specs: readonly TopicSpec[]): Promise<void> {
    const found = await Promise.all(specs.map(({ name }) => find(name)))
    const missing = specs.filter((_, i) => found[i] === undefined)
    if (missing.length === 0) return
    if (!createTopics) await get((missing[0] as TopicSpec).name)
    const configs = missing.map((spec) => topicConfig(names.toKafka(spec.name), spec))
    await ask((admin) => admin.createTopics({ waitForLeaders: false, topics: configs }))
    for (const { name } of missing) await awaitLeaders(name)
  }

  async function watermarks(name: string): Promise<Watermark[]> {
    const { kafkaName } = await get(name)
    const marks = await ask((admin) => admin.fetchTopicOffsets(kafkaName))
    return marks
      .toSorted((a, b) => a.partition - b.partition)
      .map(({ partition, low, high }) => ({
        partition: partitionName(name, partition),
        low: Number(low),
        high: Number(high),
      }))
  }

  return { ensure, find, get, watermarks }
}

function topicConfig(
  topic: string,
  { partitions, policy, maxBytes, retentionMs }: TopicSpec,
): ITopicConfig {
  return {
    topic,
    numPartitions: partitions,
    replicationFactor: -1, // the cluster's own
    configEntries: [
      { name: 'cleanup.policy', value: policy },
      { name: 'max.message.bytes', value: `${maxBytes + recordRoom}` },
      ...(retentionMs === undefined ? [] : [{ name: 'retention.ms', value: `${retentionMs}` }]),
    ],
  }
}
