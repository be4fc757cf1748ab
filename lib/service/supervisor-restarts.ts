/** Settings of {@link restartRule}. */
export interface RestartOptions {
  /** Time to the first start again, ms; it doubles with each death. Default 1,000. */
  readonly firstMs?: number
  /** Longest time, ms. Default 60,000. */
  readonly longestMs?: number
  /** So many deaths within `withinMs` end everything. Default 5. */
  readonly deaths?: number
  /** ms. Default 10 minutes. */
  readonly withinMs?: number
}
/** Defaults of {@link RestartOptions}: `service.md` §5. */
export const defaultRestartOptions: Required<RestartOptions> = {
  firstMs: 1_000,
  longestMs: 60_000,
  deaths: 5,
  withinMs: 600_000,
}

/**
 * When a role that has died is started again.
 *
 * @returns Told of each death, at a monotonic time, ms: how long to wait, ms; `undefined`: no more.
 */
export function restartRule(options: RestartOptions = {}): (at: number) => number | undefined {
  const { firstMs, longestMs, deaths, withinMs } = { ...defaultRestartOptions, ...options }
  let lately: number[] = []
  return (at) => {
    lately = [...lately.filter((death) => at - death < withinMs), at]
    if (lately.length >= deaths) return undefined
    return Math.min(longestMs, firstMs * 2 ** (lately.length - 1))
  }
}
