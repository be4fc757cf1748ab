import { isAway } from './kafka-errors.ts'

/** Restarts of a consumer within {@link windowMs} before it gives up. */
const maxRestarts = 5
const windowMs = 600_000

/**
 * Tells whether a consumer that failed may start again: five times in ten minutes.
 *
 * Brokers that are away do not count: an outage of a minute alone takes a dozen.
 *
 * @param now - A monotonic clock, in ms.
 */
export function restartRule(now: () => number): (error: unknown) => boolean {
  let counted: number[] = []
  return (error) => {
    if (isAway(error)) return true
    const time = now()
    counted = [...counted.filter((at) => time - at < windowMs), time]
    return counted.length <= maxRestarts
  }
}
