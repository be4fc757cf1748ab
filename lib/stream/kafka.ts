import { setTimeout as delay } from 'node:timers/promises'
import { StreamError } from '../errors.ts'
import { kafkaAsk } from './kafka-ask.ts'
import { kafkaClients } from './kafka-client.ts'
import { consume } from './kafka-consume.ts'
import type { Consuming } from './kafka-consuming.ts'
import { streamError } from './kafka-errors.ts'
import { kafkaNames } from './kafka-names.ts'
import {
  defaultKafkaStreamOptions,
  type KafkaConnection,
  type KafkaStreamOptions,
} from './kafka-options.ts'
import { patiently } from './kafka-patience.ts'
import { kafkaProduce } from './kafka-produce.ts'
import { kafkaSending } from './kafka-send.ts'
import { kafkaTopics } from './kafka-topics.ts'
import type { StreamPort } from './types.ts'

/** How long topics, marks and the identity are asked for while the brokers are away, in ms. */
const patienceMs = 30_000
/** How long the brokers are told that we leave, in ms. */
const goodbyeMs = 500

/**
 * The stream port on Apache Kafka, 3.9 or newer.
 *
 * Connects with the first call. Holds connections open until it is closed.
 *
 * @throws {@link ConfigError} if the login lacks something.
 */
export function kafkaStream(
  connection: KafkaConnection,
  options: KafkaStreamOptions = {},
): StreamPort {
  const settings = { ...defaultKafkaStreamOptions, ...options }
  const clients = kafkaClients(connection, settings)
  const own = clients.open()
  const names = kafkaNames(settings.topicPrefix, settings.topics)
  const adminClient = own.admin()
  const producerClient = own.producer({
    allowAutoTopicCreation: false,
    createPartitioner:
      () =>
      ({ message }) =>
        message.partition as number, // always set by us
    retry: { retries: 0 }, // our deadline decides
  })
  const producer = () => producerClient.connect().then(() => producerClient)
  const ask = kafkaAsk(adminClient)
  const topics = kafkaTopics(ask, names, settings.createTopics)
  const consuming = new Set<Consuming>()
  let trouble: string | undefined
  let isClosing = false
  let isClosed = false

  const onTrouble = (error: StreamError) => {
    trouble = error.message
  }
  const onHealthy = () => {
    trouble = undefined
  }
  const sending = kafkaSending({
    produce: kafkaProduce(producer),
    onSuccess: onHealthy,
    onFailure: (reason) => {
      trouble = `send: expected the brokers to store records, got: ${reason}`
    },
  })

  /** Goes on for a while if the brokers are away. */
  function awaited<T>(where: string, work: () => Promise<T>): Promise<T> {
    const deadline = performance.now() + patienceMs
    const isOver = () => isClosed || performance.now() > deadline
    return patiently(where, work, { isOver, onTrouble })
  }

  return {
    identity: () =>
      awaited('identity', () => ask(async (admin) => (await admin.describeCluster()).clusterId)),
    ensureTopics: (specs) => awaited('ensureTopics', () => topics.ensure(specs)),
    watermarks: (topic) => awaited('watermarks', () => topics.watermarks(topic)),
    health: () => ({
      ok: !isClosed && trouble === undefined,
      detail: isClosed ? 'closed' : (trouble ?? 'open'),
    }),

    async send(name, records, { deadlineMs }) {
      const deadline = performance.now() + deadlineMs
      const refuseAll = (reason: string) =>
        records.map(() => ({ outcome: 'refused' as const, reason }))
      if (isClosed) return refuseAll('closed')
      try {
        const topic = await before(deadline, () => topics.find(name))
        if (!topic) return refuseAll('no-topic')
        return await sending.send(name, topic, records, deadline - performance.now())
      } catch (cause) {
        const error = streamError('send', cause)
        onTrouble(error)
        return refuseAll(error.reason ?? 'other')
      }
    },

    async subscribe(subscription) {
      if (isClosing) {
        throw new StreamError('subscribe: expected a stream in order, got one that is closed', {
          reason: 'closed',
        })
      }
      const one = await consume(
        { client: clients.open(), ask, topics, names, options: settings, onTrouble, onHealthy },
        subscription,
      )
      consuming.add(one)
      return {
        ...one,
        stop: async () => {
          await one.stop()
          consuming.delete(one)
        },
      }
    },

    async close({ deadlineMs }) {
      isClosing = true
      const finish = async () => {
        // Handlers may still send while they come to an end.
        await Promise.allSettled([...consuming].map((one) => one.stop()))
        await sending.idle()
      }
      await Promise.race([finish(), delay(deadlineMs, undefined, { ref: false })])
      isClosed = true
      for (const one of consuming) one.abandon()
      const goodbyes = Promise.allSettled([producerClient.disconnect(), adminClient.disconnect()])
      await Promise.race([goodbyes, delay(goodbyeMs)])
      // kafkajs goes on to connect for a call that it had begun, and then nobody disconnects.
      clients.end()
    },
  }
}

/** Tries while the brokers are away; rejects at a time of `performance.now()`, whatever is going on. */
async function before<T>(deadline: number, work: () => Promise<T>): Promise<T> {
  const isOver = () => performance.now() >= deadline
  const expired = delay(Math.max(0, deadline - performance.now()), 'expired', { ref: false })
  const tried = patiently('send', work, { isOver, onTrouble: () => undefined })
  const first = await Promise.race([tried, expired])
  if (first !== 'expired') return first as T
  tried.catch(() => undefined)
  throw new StreamError('send: expected the brokers to tell of the topic in time, they did not', {
    reason: 'deadline',
    retryable: true,
  })
}
