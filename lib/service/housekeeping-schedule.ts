import { BusyError } from '../errors.ts'
import type { Clock } from '../registry/clock.ts'
import type { Lease } from '../registry/lease-document.ts'
import { erasedCollector } from './collect-erased.ts'
import { houseLog } from './house-log.ts'
import { type House, keepHouse, trimLog } from './housekeeping.ts'
import { asOnlyCollector } from './housekeeping-lease.ts'
import { housekeepingText, sizeText } from './housekeeping-text.ts'

/** What {@link housekeeper} needs beside the house. */
export interface HousekeeperOptions {
  /** The time of day, ms since 1970. */
  readonly now: () => number
  readonly clock: Clock
  /** Writes a checkpoint, so that what is applied may leave the log. */
  readonly checkpoint: () => Promise<void>
  /** Told what a pass did, and why one failed. */
  readonly tell: (text: string) => void
}

/** Keeps house while a service runs. */
export interface Housekeeper {
  /** Begins with a pass in the background. */
  start(): void
  /** Why nothing may be taken in now; undefined if there is room. */
  refusal(): string | undefined
  /** Ends the pass in hand at its next step. */
  stop(): Promise<void>
}

/** Between two passes; after one that failed; between two looks at the size of the log. */
const everyMs = 24 * 3_600_000
const againMs = 3_600_000
const lookMs = 10_000

/**
 * A pass of housekeeping at once and every day, and a shorter log whenever it is too large.
 *
 * A log that stays too large, because nothing more of it is applied, is a reason to take nothing
 * in. A pass that fails is told and tried again: it is never a reason to end.
 */
export function housekeeper(house: House, options: HousekeeperOptions): Housekeeper {
  const { now, clock, checkpoint, tell } = options
  const limit = house.config.log.retention.bytes
  const stopping = new AbortController()
  let isFull = false
  let due = Number.NEGATIVE_INFINITY
  const collectErased = erasedCollector(house, { now, clock })
  let working: Promise<void> = Promise.resolve()

  async function wholePass(lease: Pick<Lease, 'assertHeld'>): Promise<void> {
    const report = await keepHouse(house, lease, now)
    isFull = report.log.isOver
    const text = housekeepingText(report)
    if (text !== undefined) tell(text)
  }

  async function trim(lease: Pick<Lease, 'assertHeld'>): Promise<void> {
    if (isFull) await checkpoint()
    isFull = (await trimLog(house, lease, now)).isOver
  }

  async function look(): Promise<void> {
    const isDue = clock.now() >= due
    const isLarge = houseLog(house).bytes() > limit
    if (!isLarge) isFull = false
    if (!isDue && !isLarge) return
    if (isDue) due = clock.now() + everyMs
    try {
      const work = isDue ? wholePass : trim
      await asOnlyCollector(house.registry.documents, work, stopping.signal)
    } catch (error) {
      if (stopping.signal.aborted || error instanceof BusyError) return // another one does it
      if (isDue) due = clock.now() + againMs
      throw error
    }
  }

  const unlessBusy = (error: unknown): void => {
    if (!stopping.signal.aborted && !(error instanceof BusyError)) throw error
  }

  async function work(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        await look()
        await collectErased(stopping.signal).catch(unlessBusy)
      } catch (error) {
        tell(`housekeeping failed: ${error instanceof Error ? error.message : String(error)}`)
      }
      await clock.sleep(lookMs, stopping.signal)
    }
  }

  return {
    start: () => {
      working = work()
    },
    refusal: () =>
      isFull
        ? `the log holds more than ${sizeText(limit)} (log.retention.bytes) that is not applied yet`
        : undefined,
    stop: async () => {
      stopping.abort()
      await working
    },
  }
}
