import { kafkaStream } from '../../lib/stream/kafka.ts'
import { topicNames } from '../../lib/stream/topics.ts'
import type { InRecord } from '../../lib/stream/types.ts'

/** Records of a topic, as they come. */
export function follow(brokers: readonly string[]) {
  const stream = kafkaStream({ brokers, clientId: 'proof' })
  const heard = new Map<string, InRecord[]>()
  const topics = [topicNames.published, topicNames.dead, topicNames.unlabeled]
  return {
    of: (topic: string): readonly InRecord[] => heard.get(topic) ?? [],
    begin: () =>
      stream.subscribe({
        topics,
        group: 'proof',
        maxBatchBytes: 1_000_000,
        onAssign: async (partitions) => new Map(partitions.map((one) => [one, 'earliest'])),
        onRevoke: async () => undefined,
        onBatch: async ({ partition, records }) => {
          const topic = partition.slice(0, partition.lastIndexOf('/'))
          heard.set(topic, [...(heard.get(topic) ?? []), ...records])
        },
        onFatal: (error) => console.error(error),
      }),
    close: () => stream.close({ deadlineMs: 5_000 }),
  }
}

/** What the event source of Kafka hands to a function. */
export function kafkaEvent(records: readonly InRecord[]): object {
  const topic = topicNames.published
  return {
    eventSource: 'aws:kafka',
    records: {
      [`${topic}-0`]: records.map(({ value, offset, timestamp }) => ({
        ...{ topic, partition: 0, offset, timestamp, timestampType: 'CREATE_TIME', headers: [] },
        value: Buffer.from(value).toString('base64'),
      })),
    },
  }
}
