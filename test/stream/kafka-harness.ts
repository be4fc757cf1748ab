import { randomUUID } from 'node:crypto'
import { Kafka, logLevel } from 'kafkajs'
import { partitionParts } from '../../lib/stream/kafka-names.ts'
import type { StreamPort } from '../../lib/stream/types.ts'
import type { Broker } from '../kafka/broker.ts'
import { apiKeys } from '../support/tcp-proxy.ts'
import type { StreamHarness } from './harness.ts'
import { testOptions, testStream } from './kafka-stream.ts'

/** Topics and groups of their own on a broker that tests share. */
export async function kafkaHarness(broker: Broker): Promise<StreamHarness> {
  const space = `t${randomUUID().slice(0, 8)}`
  const clients = new Set<StreamPort>()

  async function closeClients(): Promise<void> {
    await Promise.all([...clients].map((stream) => stream.close({ deadlineMs: 1_000 })))
    clients.clear()
  }

  return {
    sessionMs: testOptions.sessionMs,
    attempts: testOptions.attempts,
    open: async () => {
      const stream = testStream(broker.address, space)
      clients.add(stream)
      return stream
    },
    peer: () => ({
      script: new URL('./kafka-peer.ts', import.meta.url),
      args: [broker.address, space],
    }),
    restart: async () => {
      await closeClients()
      await broker.stop()
      await broker.start()
    },
    dropBelow: (partition, offset) => {
      const { topic, number } = partitionParts(partition)
      return deleteBelow(broker, `${space}.${topic}`, number, offset)
    },
    loseAnswer: async () => broker.proxy.loseAnswers(apiKeys.produce, 1),
    dispose: async () => {
      broker.proxy.loseAnswers(apiKeys.produce, 0)
      await closeClients()
    },
  }
}

/** Removes the records of a partition below an offset. */
export async function deleteBelow(
  broker: Broker,
  topic: string,
  partition: number,
  offset: number,
): Promise<void> {
  const admin = new Kafka({ brokers: [broker.address], logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  // kafkajs knows the leaders only of a topic that it has asked about.
  await admin.fetchTopicOffsets(topic)
  await admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: `${offset}` }] })
  await admin.disconnect()
}
