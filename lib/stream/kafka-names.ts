import type { Partition } from './types.ts'

/** The names that the pipeline uses, and those of the brokers. */
export interface Names {
  /** Of a topic, at the brokers. */
  toKafka(topic: string): string
  /** Of a topic, in the pipeline. */
  fromKafka(topic: string): string
}

/** Number of a partition, and the topic that it belongs to. */
export interface PartitionParts {
  readonly topic: string
  readonly number: number
}

/**
 * Both ways between the names of topics.
 *
 * @param prefix - Begins each name at the brokers.
 * @param replaced - Whole names, by the one that the pipeline uses.
 */
export function kafkaNames(prefix: string, replaced: Readonly<Record<string, string>>): Names {
  const back = new Map(Object.entries(replaced).map(([ours, theirs]) => [theirs, ours]))
  return {
    toKafka: (topic) => replaced[topic] ?? `${prefix}${topic}`,
    fromKafka: (topic) => back.get(topic) ?? topic.slice(prefix.length),
  }
}

/** `topic/number` */
export function partitionName(topic: string, number: number): Partition {
  return `${topic}/${number}`
}

/** What {@link partitionName} put together. */
export function partitionParts(partition: Partition): PartitionParts {
  const at = partition.lastIndexOf('/')
  return { topic: partition.slice(0, at), number: Number(partition.slice(at + 1)) }
}
