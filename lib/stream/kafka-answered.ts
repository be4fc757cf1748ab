import { StreamError } from '../errors.ts'

/** What the subscriber answers; its rejection is fatal. */
export async function answered<T>(method: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message : String(cause)
    const message = `${method}: expected the subscriber to answer, got: ${detail}`
    throw new StreamError(message, { reason: 'handler', cause })
  }
}
