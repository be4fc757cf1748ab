import { setTimeout as timeout } from 'node:timers/promises'

/** Time that only moves forward, handed in so that tests can move it. */
export interface Clock {
  /** ms since any fixed moment; never goes back, whatever happens to the wall clock. */
  now(): number
  /** Resolves after `ms`, or at once when the signal aborts; never rejects. */
  sleep(ms: number, signal: AbortSignal): Promise<void>
}

/** The clock of this process. */
export const monotonicClock: Clock = {
  now: () => performance.now(),
  sleep: (ms, signal) => timeout(ms, undefined, { signal }).catch(() => undefined),
}
