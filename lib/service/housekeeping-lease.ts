import { BusyError } from '../errors.ts'
import { monotonicClock } from '../registry/clock.ts'
import { holdLease } from '../registry/lease.ts'
import type { Lease } from '../registry/lease-document.ts'
import type { DocumentStore } from '../store/types.ts'
import { isDead, processName } from '../stream/sqlite-owner.ts'

const ttlMs = 10_000

/**
 * Works as the only one that removes anything.
 *
 * @param signal - Ends the waiting for the lease, and the work at its next step. Default: none.
 * @throws {@link BusyError} naming the process that keeps house at present.
 */
export async function asOnlyCollector<T>(
  documents: DocumentStore,
  work: (lease: Pick<Lease, 'assertHeld'>) => Promise<T>,
  signal: AbortSignal = new AbortController().signal,
): Promise<T> {
  const lease = await holdLease(documents, 'gc', {
    owner: processName(),
    ttlMs,
    clock: monotonicClock,
    isOwnerDead: isDead,
    whenHeld: 'refuse',
    onLost: () => undefined, // the next step finds out
    signal,
  }).catch((cause) => {
    if (!(cause instanceof BusyError)) throw cause
    const message = `housekeeping: expected to be the only one, another process is at it (${cause.message}); let that one end`
    throw new BusyError(message, { cause })
  })
  try {
    return await work({
      assertHeld: () => {
        signal.throwIfAborted()
        lease.assertHeld()
      },
    })
  } finally {
    await lease.release()
  }
}
