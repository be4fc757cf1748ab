import { chooseK } from '../cluster/choose-k.ts'
import { freshCount } from './buffer.ts'
import { driftRatio } from './drift.ts'
import type { LearnerState } from './state.ts'

/** When a round starts; undefined numbers follow the profile. */
export interface StartOptions {
  readonly profile?: 'small' | 'standard'
  /** Buffered pictures that a round needs. */
  readonly buffered?: number
  /** New pictures since the last round that start one. */
  readonly fresh?: number
  /** Whether a drift alarm stands in for new pictures. Default true. */
  readonly onDrift?: boolean
  readonly k?: number
  /** Time from one start to the next, ms, ≥ 0. Default 0. */
  readonly minInterval?: number
}

/** What the rule knows of time, ms since 1970. */
export interface StartTimes {
  readonly now: number
  /** When the last round began; undefined before the first. */
  readonly lastStart: number | undefined
}

/** Pictures below which the `small` profile holds. */
export const smallProfileLimit = 2_000

/** The profile in force. */
export function profileOf(state: LearnerState, options: StartOptions): 'small' | 'standard' {
  return options.profile ?? (state.seen.applied < smallProfileLimit ? 'small' : 'standard')
}

/** What still keeps a round from starting. */
export interface StartCheck {
  readonly starts: boolean
  /** Whether a command may start one: enough is buffered. */
  readonly mayStart: boolean
  readonly buffered: number
  readonly neededBuffered: number
  readonly fresh: number
  readonly neededFresh: number
  /** Time left until the least interval since the last start is over, ms; 0 when it is. */
  readonly waitMs: number
}

/** A clock that was set back must not keep rounds waiting for longer than the interval. */
function waitOf({ now, lastStart }: StartTimes, minInterval: number): number {
  if (lastStart === undefined || now < lastStart) return 0
  return Math.max(0, lastStart + minInterval - now)
}

/**
 * Whether a round starts: enough buffered, enough of it new or a drift alarm, and long enough
 * since the last start.
 *
 * @see `method.md` §6: buffered ≥ max(500, 4k), new ≥ max(256, 10 %); small: max(120, 4k), 120.
 */
export function checkStart(
  state: LearnerState,
  options: StartOptions = {},
  times: StartTimes = { now: 0, lastStart: undefined },
): StartCheck {
  const buffered = state.buffer.entries.size
  const fresh = freshCount(state.buffer)
  const isSmall = profileOf(state, options) === 'small'
  const k = options.k ?? chooseK(Math.max(buffered, 1))
  const neededBuffered = options.buffered ?? Math.max(isSmall ? 120 : 500, 4 * k)
  const neededFresh = options.fresh ?? (isSmall ? 120 : Math.max(256, Math.ceil(buffered / 10)))
  const isAlarmed = (options.onDrift ?? true) && driftRatio(state.drift) > 1
  const mayStart = buffered >= neededBuffered
  const waitMs = waitOf(times, options.minInterval ?? 0)
  const starts = mayStart && (fresh >= neededFresh || isAlarmed) && waitMs === 0
  return { starts, mayStart, buffered, neededBuffered, fresh, neededFresh, waitMs }
}
