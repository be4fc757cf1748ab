import { Kafka, type logCreator } from 'kafkajs'
import { fixKafkajs } from './kafka-fixes.ts'
import { kafkaLogin } from './kafka-login.ts'
import type { KafkaConnection, KafkaStreamOptions } from './kafka-options.ts'

/** Longest pause of kafkajs between two attempts of its own, in ms. */
const maxRetryMs = 5_000

/** What kafkajs logs reaches us as errors and events. */
const silent: logCreator = () => () => undefined

/**
 * Makes clients that are logged in alike.
 *
 * One for each subscription: clients of one `Kafka` share the positions of a group by its name.
 *
 * @throws {@link ConfigError} if the login lacks something.
 */
export function kafkaClients(
  connection: KafkaConnection,
  { requestMs }: Required<KafkaStreamOptions>,
): () => Kafka {
  fixKafkajs()
  const login = kafkaLogin(connection)
  return () =>
    new Kafka({
      ...login,
      brokers: [...connection.brokers],
      clientId: connection.clientId,
      connectionTimeout: Math.min(5_000, requestMs),
      authenticationTimeout: requestMs,
      requestTimeout: requestMs,
      retry: { maxRetryTime: maxRetryMs, initialRetryTime: 200, retries: 5 },
      logCreator: silent,
    })
}
