import type { Clock } from '../../lib/registry/clock.ts'

/** A clock that stands still until the test moves it. */
export interface HandClock extends Clock {
  /** Moves it, and lets everything run that this wakes. */
  advance(ms: number): Promise<void>
  /** Moves it without waking anyone: the process is asleep. */
  oversleep(ms: number): void
}

interface Sleeper {
  readonly until: number
  wake(): void
}

/** A {@link HandClock} at 0. */
export function handClock(): HandClock {
  let now = 0
  let sleepers: Sleeper[] = []
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 20; turn += 1) {
      await new Promise<void>((resolve) => setImmediate(resolve))
    }
  }
  return {
    now: () => now,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal.aborted) return resolve()
        const sleeper = { until: now + ms, wake: resolve }
        sleepers.push(sleeper)
        signal.addEventListener('abort', () => resolve(), { once: true })
      }),
    async advance(ms) {
      const end = now + ms
      await settle()
      for (;;) {
        const next = sleepers.toSorted((a, b) => a.until - b.until)[0]
        if (!next || next.until > end) break
        sleepers = sleepers.filter((sleeper) => sleeper !== next)
        now = Math.max(now, next.until)
        next.wake()
        await settle()
      }
      now = end
    },
    oversleep(ms) {
      now += ms
    },
  }
}
