import { BusyError } from '../errors.ts'
import type { Clock } from '../registry/clock.ts'
import { collectErased, picturePartitions, waitsFor } from './collect-erased.ts'
import { readErasures } from './erasures.ts'
import { asOnlyCollector } from './housekeeping-lease.ts'
import type { Pipeline } from './open-pipeline.ts'

/** How many of some pictures are forgotten, by whom. */
export interface ForgettingState {
  readonly total: number
  readonly learn: number
  /** Absent where there is no index. */
  readonly embed?: number
  readonly collection: number
}

/** What {@link untilForgotten} needs. */
export interface ForgetWaitOptions {
  /** The time of day, ms since 1970. */
  readonly now: () => number
  readonly clock: Clock
  /** Ends the waiting. */
  readonly signal: AbortSignal
  /** Told whenever somebody has got further. */
  readonly onProgress: (state: ForgettingState) => void
  /** Told when nobody has for a minute and a half: three times what a role takes to notice. */
  readonly onSilence: (state: ForgettingState) => void
}

const lookEveryMs = 1_000
const silenceMs = 90_000

/**
 * Waits until learner and index have forgotten pictures, and collects what is left of them then,
 * unless a housekeeper has.
 *
 * @returns False if the signal ended it: the wish stays, and is followed all the same.
 */
export async function untilForgotten(
  pipeline: Pipeline,
  ids: ReadonlySet<string>,
  { now, clock, signal, onProgress, onSilence }: ForgetWaitOptions,
): Promise<boolean> {
  const { config, documents } = pipeline
  const partitions = await picturePartitions(pipeline)
  let told = ''
  let since = clock.now()
  const open = new Set(ids)
  while (!signal.aborted) {
    const erasures = await readErasures(documents, open)
    for (const id of ids) if (erasures.get(id)?.done.collection !== undefined) open.delete(id)
    const waiting = [...open].flatMap((id) => {
      const erasure = erasures.get(id)
      return erasure === undefined ? [] : [waitsFor(config, erasure, partitions)]
    })
    const doneBy = (role: 'learn' | 'embed') =>
      ids.size - waiting.filter((roles) => roles.includes(role)).length
    const state: ForgettingState = {
      total: ids.size,
      learn: doneBy('learn'),
      ...(config.search.enabled && { embed: doneBy('embed') }),
      collection: ids.size - open.size,
    }
    const text = JSON.stringify(state)
    if (text !== told) {
      onProgress(state)
      since = clock.now()
    } else if (clock.now() - since >= silenceMs) {
      onSilence(state)
      since = clock.now()
    }
    told = text
    if (open.size === 0) return true
    if (waiting.some((roles) => roles.length === 0)) {
      await asOnlyCollector(
        documents,
        (lease) => collectErased(pipeline, lease, erasures, now),
        signal,
      ).catch((error: unknown) => {
        if (!signal.aborted && !(error instanceof BusyError)) throw error
      })
    }
    await clock.sleep(lookEveryMs, signal)
  }
  return false
}
