import {
  type Admin,
  type Consumer,
  type ConsumerConfig,
  Kafka,
  type logCreator,
  type Producer,
  type ProducerConfig,
} from 'kafkajs'
import { fixKafkajs } from './kafka-fixes.ts'
import { kafkaLogin } from './kafka-login.ts'
import type { KafkaConnection, KafkaStreamOptions } from './kafka-options.ts'
import { kafkaSockets, type Sockets } from './kafka-sockets.ts'

/** What kafkajs calls `Kafka`; its connections are broken when they no longer answer. */
export interface Client {
  admin(): Admin
  producer(config: ProducerConfig): Producer
  consumer(config: ConsumerConfig): Consumer
}

/** All clients of a stream. */
export interface Clients {
  /** Makes another one. */
  open(): Client
  /** Breaks the connections of all, for good. */
  end(): void
}

/** Longest pause of kafkajs between two attempts of its own, in ms. */
const maxRetryMs = 5_000

/** What kafkajs logs reaches us as errors and events. */
const silent: logCreator = () => () => undefined

/**
 * Makes clients that are logged in alike.
 *
 * One for each subscription: consumers of one `Kafka` share the positions of a group by its name.
 *
 * @throws {@link ConfigError} if the login lacks something.
 */
export function kafkaClients(
  connection: KafkaConnection,
  { requestMs }: Required<KafkaStreamOptions>,
): Clients {
  fixKafkajs()
  const login = kafkaLogin(connection)
  const all: Sockets[] = []
  const open = (): Client => {
    const sockets = kafkaSockets()
    all.push(sockets)
    const kafka = new Kafka({
      ...login,
      brokers: [...connection.brokers],
      clientId: connection.clientId,
      connectionTimeout: Math.min(5_000, requestMs),
      authenticationTimeout: requestMs,
      requestTimeout: requestMs,
      retry: { maxRetryTime: maxRetryMs, initialRetryTime: 200, retries: 5 },
      socketFactory: sockets.factory,
      logCreator: silent,
    })
    const onTimeout = ({ payload }: { readonly payload: { readonly broker: string } }) =>
      sockets.drop(payload.broker)
    return {
      admin: () => {
        const admin = kafka.admin()
        admin.on(admin.events.REQUEST_TIMEOUT, onTimeout)
        return admin
      },
      producer: (config) => {
        const producer = kafka.producer(config)
        producer.on(producer.events.REQUEST_TIMEOUT, onTimeout)
        return producer
      },
      consumer: (config) => {
        const consumer = kafka.consumer(config)
        consumer.on(consumer.events.REQUEST_TIMEOUT, onTimeout)
        return consumer
      },
    }
  }
  return {
    open,
    end: () => {
      for (const sockets of all) sockets.end()
    },
  }
}
