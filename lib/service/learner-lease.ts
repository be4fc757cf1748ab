import { BusyError, type LeaseLostError } from '../errors.ts'
import { monotonicClock } from '../registry/clock.ts'
import { holdLease } from '../registry/lease.ts'
import type { Lease } from '../registry/lease-document.ts'
import { isDead, processName } from '../stream/sqlite-owner.ts'
import type { Pipeline } from './open-pipeline.ts'
import { holderOf, takeRunLease } from './run-lease.ts'

/** How a learner comes to its lease. */
export interface LearnerLeaseOptions {
  /** Ends the waiting. */
  readonly signal: AbortSignal
  /** Told who is the learner, where there is one to wait for. */
  readonly onWait: (holder: string) => void
  readonly onLost: (error: LeaseLostError) => void
}

/** A bucket is asked less often than a file, and answers later. */
const ttlMs = 30_000

/**
 * The lease of the single writer. Where roles are apart this waits until the writer of now is gone;
 * on one machine two writers are a mistake.
 *
 * @throws {@link BusyError} naming the other writer, on one machine; the signal's reason.
 */
export async function learnerLease(
  pipeline: Pipeline,
  { signal, onWait, onLost }: LearnerLeaseOptions,
): Promise<Lease> {
  if (pipeline.config.store.adapter === 'file') {
    return takeRunLease(pipeline, 'learn', monotonicClock, onLost)
  }
  const options = {
    ...{ owner: processName(), ttlMs, clock: monotonicClock, isOwnerDead: isDead, onLost, signal },
  }
  try {
    return await holdLease(pipeline.documents, 'learn', { ...options, whenHeld: 'refuse' })
  } catch (error) {
    if (!(error instanceof BusyError)) throw error
  }
  onWait(await holderOf(pipeline, 'learn'))
  return holdLease(pipeline.documents, 'learn', options)
}
