import { setTimeout as sleep } from 'node:timers/promises'

/** How often, and for how long, a request is made again. */
export interface Patience {
  /** Attempts at most, ≥ 1. Default 8. */
  readonly attempts?: number
  /** Longest pause before the second attempt, ms; it doubles from one to the next. Default 50. */
  readonly pauseMs?: number
  /** No further attempt is begun after that long, ms. Default 20 s. */
  readonly deadlineMs?: number
}

/** Defaults of {@link Patience}: 3 s of pauses on average, if each answer comes at once. */
export const defaultPatience: Required<Patience> = {
  attempts: 8,
  pauseMs: 50,
  deadlineMs: 20_000,
}

/** One turn an attempt, with pauses of random length in between, until patience ends. */
export async function* attempts(patience: Patience): AsyncGenerator<void> {
  const { attempts: most, pauseMs, deadlineMs } = { ...defaultPatience, ...patience }
  const since = performance.now()
  for (let done = 0; done < most; done++) {
    if (done > 0) {
      if (performance.now() - since > deadlineMs) return
      await sleep(Math.random() * pauseMs * 2 ** (done - 1))
    }
    yield
  }
}
