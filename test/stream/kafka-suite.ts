import { randomUUID } from 'node:crypto'
import { Kafka, logLevel } from 'kafkajs'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { StreamPort } from '../../lib/stream/types.ts'
import { type Broker, startBroker } from '../kafka/broker.ts'
import { consumer } from './consumer.ts'
import { describeStream } from './contract.ts'
import { recordsOf, sendAcked, topics } from './harness.ts'
import { kafkaHarness } from './kafka-harness.ts'
import { testStream } from './kafka-stream.ts'

/**
 * All that a line of Kafka must let us do: the contract of the stream, and what goes beyond it.
 *
 * A line is a file of tests of its own, so that they run beside each other.
 */
export function describeKafka(version: string): void {
  let broker: Broker
  beforeAll(async () => {
    broker = await startBroker(version)
  })
  afterAll(() => broker.dispose())

  describeStream(`kafka ${version}`, () => kafkaHarness(broker))

  describe(`kafkaStream on ${version}`, () => {
    const open: StreamPort[] = []
    afterEach(() => Promise.all(open.splice(0).map((one) => one.close({ deadlineMs: 1_000 }))))

    it('shows no record of an aborted transaction, and goes on after it', async () => {
      const space = `x${randomUUID().slice(0, 8)}`
      const stream = testStream(broker.address, space)
      open.push(stream)
      await stream.ensureTopics(topics)
      const reader = await consumer(stream, { maxBatchBytes: 1_000 })
      await sendAcked(stream, 't', recordsOf('before'))
      await reader.received(1)
      await abortedTransaction(broker, `${space}.t`)
      await sendAcked(stream, 't', recordsOf('after'))
      await reader.received(2)
      expect(reader.values()).toEqual(['before', 'after'])
      expect(reader.fatal).toEqual([])
    })

    it('reads and writes topics under the names that the brokers have for them', async () => {
      const space = `y${randomUUID().slice(0, 8)}`
      const theirs = testStream(broker.address, space)
      const ours = testStream(broker.address, 'unused', { topics: { t: `${space}.theirs` } })
      open.push(theirs, ours)
      await theirs.ensureTopics([{ ...topics[0], name: 'theirs' }])
      await sendAcked(theirs, 'theirs', recordsOf('a'))
      const reader = await consumer(ours, { group: space })
      await reader.received(1)
      expect(reader.batches[0]?.partition).toBe('t/0')
    })

    it('makes no topic that it may only look for', async () => {
      const stream = testStream(broker.address, `z${randomUUID()}`, { createTopics: false })
      open.push(stream)
      await expect(stream.ensureTopics(topics)).rejects.toMatchObject({ reason: 'no-topic' })
    })
  })
}

/** Sends more than a few fetches can hold, and takes it back. */
async function abortedTransaction(broker: Broker, topic: string): Promise<void> {
  const kafka = new Kafka({ brokers: [broker.address], logLevel: logLevel.NOTHING })
  const producer = kafka.producer({
    transactionalId: topic,
    idempotent: true,
    maxInFlightRequests: 1,
  })
  await producer.connect()
  const transaction = await producer.transaction()
  for (let i = 0; i < 20; i++) {
    await transaction.send({ topic, messages: [{ value: 'x'.repeat(900), partition: 0 }] })
  }
  await transaction.abort()
  await producer.disconnect()
}
