import { recordRoom, type Topic } from './kafka-topics.ts'
import type { TopicSpec } from './types.ts'

/** What a cluster was found to be, and what to do about it. */
export interface KafkaFinding {
  readonly what: string
  readonly ok: boolean
  readonly detail: string
  readonly remedy?: string
}

const hourMs = 3_600_000

/**
 * What is wrong with a topic, by what the pipeline wants of it; one good finding if nothing is.
 *
 * @param kafkaName - Its name at the brokers.
 * @param topic - As the brokers know it, if it exists.
 * @param isMade - Whether the pipeline makes a missing one.
 */
export function topicFindings(
  spec: TopicSpec,
  kafkaName: string,
  topic: Topic | undefined,
  isMade: boolean,
): readonly KafkaFinding[] {
  const what = `topic ${kafkaName}`
  if (topic === undefined) {
    const detail = isMade ? 'does not exist yet, the first role makes it' : 'does not exist'
    if (isMade) return [{ what, ok: true, detail }]
    const remedy = `make it with ${spec.partitions} partitions, or set kafka.ensureTopics to true`
    return [{ what, ok: false, detail, remedy }]
  }
  const faults = [
    ...tooFew(spec, topic),
    ...wrongPolicy(spec, topic, kafkaName),
    ...tooSmall(spec, topic, kafkaName),
    ...tooShort(spec, topic, kafkaName),
  ]
  if (faults.length > 0) return faults.map((fault) => ({ what, ok: false, ...fault }))
  return [{ what, ok: true, detail: `${topic.partitions} partitions` }]
}

type Fault = Pick<KafkaFinding, 'detail' | 'remedy'>

function tooFew({ partitions }: TopicSpec, topic: Topic): readonly Fault[] {
  if (topic.partitions >= partitions) return []
  const detail = `${topic.partitions} partitions, expected at least ${partitions}`
  const remedy = `set kafka.partitions to ${topic.partitions}, or cut over to a new topic with more: a live count never changes`
  return [{ detail, remedy }]
}

function wrongPolicy({ policy }: TopicSpec, topic: Topic, name: string): readonly Fault[] {
  if (topic.isCompacted === (policy === 'compact')) return []
  const detail = `its records are ${topic.isCompacted ? 'compacted' : 'not compacted'}, expected ${policy}`
  return [{ detail, remedy: `set cleanup.policy of ${name} to ${policy}` }]
}

function tooSmall({ maxBytes }: TopicSpec, topic: Topic, name: string): readonly Fault[] {
  const needed = maxBytes + recordRoom
  if (topic.maxBatchBytes >= needed) return []
  const detail = `takes batches of ${topic.maxBatchBytes} bytes, expected ${needed}`
  const remedy = `set max.message.bytes of ${name} to ${needed}, or a smaller stream.maxRecordBytes`
  return [{ detail, remedy }]
}

function tooShort({ retentionMs }: TopicSpec, topic: Topic, name: string): readonly Fault[] {
  if (retentionMs === undefined || topic.retentionMs === undefined) return []
  if (topic.retentionMs >= retentionMs) return []
  const hours = (ms: number) => `${ms / hourMs} h`
  const detail = `keeps records for ${hours(topic.retentionMs)}, expected ${hours(retentionMs)}`
  const remedy = `set retention.ms of ${name} to ${retentionMs}, or a smaller log.retention.hours`
  return [{ detail, remedy }]
}
