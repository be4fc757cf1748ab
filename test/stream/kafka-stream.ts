import { kafkaStream } from '../../lib/stream/kafka.ts'
import type { KafkaStreamOptions } from '../../lib/stream/kafka-options.ts'
import type { StreamPort } from '../../lib/stream/types.ts'

/** Options of streams in tests: everything that takes time takes little. */
export const testOptions = {
  sessionMs: 1_000,
  heartbeatMs: 250,
  maxWaitMs: 50,
  rebalanceMs: 30_000,
  requestMs: 4_000,
  attempts: 3,
  backOffMs: 5,
} as const satisfies KafkaStreamOptions

/**
 * A stream with topics and groups of its own, so that tests share a broker.
 *
 * @param space - Begins the names of its topics and groups.
 */
export function testStream(
  address: string,
  space: string,
  options: KafkaStreamOptions = {},
): StreamPort {
  const stream = kafkaStream(
    { brokers: [address], clientId: 'test' },
    { ...testOptions, topicPrefix: `${space}.`, ...options },
  )
  return {
    ...stream,
    subscribe: (wanted) => stream.subscribe({ ...wanted, group: `${space}.${wanted.group}` }),
  }
}
