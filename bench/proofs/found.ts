import { setTimeout as delay } from 'node:timers/promises'

const lookMs = 250
const patienceMs = 240_000

/**
 * Waits until something is there.
 *
 * @param what - For the error when it does not come.
 */
export async function found<T>(
  what: string | (() => string),
  look: () => Promise<T | undefined> | T | undefined,
) {
  const until = performance.now() + patienceMs
  while (performance.now() < until) {
    const value = await look()
    if (value !== undefined) return value
    await delay(lookMs)
  }
  const missing = typeof what === 'string' ? what : what()
  throw new Error(`expected ${missing} within ${patienceMs / 1_000} s`)
}
