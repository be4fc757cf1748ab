import type { Admin } from 'kafkajs'
import { StreamError } from '../errors.ts'

/** Asks the brokers through an admin client, which connects if it is not. */
export type Ask = <T>(question: (admin: Admin) => Promise<T>) => Promise<T>

/**
 * Asks with this client.
 *
 * kafkajs takes "no broker has answered" for an answer, and stumbles over it: here that is an error
 * like any other of a broker that is away.
 */
export function kafkaAsk(admin: Admin): Ask {
  return async (question) => {
    await admin.connect() // a client that is connected answers at once
    try {
      return await question(admin)
    } catch (cause) {
      if (!(cause instanceof TypeError)) throw cause
      const message = 'kafka: expected the brokers to answer, got nothing'
      throw new StreamError(message, { reason: 'unreachable', retryable: true, cause })
    }
  }
}
