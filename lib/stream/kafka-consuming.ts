import type { StreamError } from '../errors.ts'
import type { Ask } from './kafka-ask.ts'
import type { Client } from './kafka-client.ts'
import type { Names } from './kafka-names.ts'
import type { KafkaStreamOptions } from './kafka-options.ts'
import type { Topics } from './kafka-topics.ts'
import type { Consumption } from './types.ts'

/** What a subscription needs of its surroundings. */
export interface ConsumeContext {
  readonly client: Client
  readonly ask: Ask
  readonly topics: Topics
  readonly names: Names
  readonly options: Required<KafkaStreamOptions>
  /** Hears of each error that does not end the consumer. */
  readonly onTrouble: (error: StreamError) => void
  /** Hears that the group has been joined. */
  readonly onHealthy: () => void
}

/** A consumption that its stream can leave behind. */
export interface Consuming extends Consumption {
  /** Leaves the group without waiting for a handler. */
  abandon(): void
}
