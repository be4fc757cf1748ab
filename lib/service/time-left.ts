/** A round in training. */
export interface RoundPace {
  readonly step: number
  /** Steps at most. */
  readonly steps: number
  /** Since the round began, ms. */
  readonly elapsedMs: number
  /** Time after which no further step begins, ms; undefined: no limit. */
  readonly limitMs: number | undefined
}

/**
 * Time that a round's training still takes at the pace so far, seconds.
 *
 * @returns `undefined` before the first step and after the last: nothing is known then.
 */
export function timeLeft({ step, steps, elapsedMs, limitMs }: RoundPace): number | undefined {
  if (step <= 0 || step >= steps) return undefined
  const atPace = (elapsedMs / step) * (steps - step)
  const left = limitMs === undefined ? atPace : Math.min(atPace, limitMs - elapsedMs)
  return Math.max(0, left) / 1_000
}
