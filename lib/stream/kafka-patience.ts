import { setTimeout as delay } from 'node:timers/promises'
import type { StreamError } from '../errors.ts'
import { streamError } from './kafka-errors.ts'

/** How long to go on while the brokers are away. */
export interface Patience {
  /** Asked after each failure. */
  readonly isOver: () => boolean
  /** Hears of each failure that is not the last. */
  readonly onTrouble: (error: StreamError) => void
}

/** Pause between two attempts, in ms. */
const pauseMs = 250

/**
 * Tries until it succeeds, for as long as the brokers are away.
 *
 * @param where - What is going on, the beginning of the message.
 * @throws {@link StreamError} that no repetition helps against, or the last one.
 */
export async function patiently<T>(
  where: string,
  work: () => Promise<T>,
  { isOver, onTrouble }: Patience,
): Promise<T> {
  for (;;) {
    try {
      return await work()
    } catch (cause) {
      const error = streamError(where, cause)
      if (!error.retryable || isOver()) throw error
      onTrouble(error)
      await delay(pauseMs)
      if (isOver()) throw error
    }
  }
}
