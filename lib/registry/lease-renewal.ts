import { LeaseLostError, PipelineError } from '../errors.ts'
import type { DocumentStore } from '../store/types.ts'
import { plainJson } from './canonical.ts'
import { readDocument } from './document.ts'
import { type Lease, type LeaseOptions, leaseKind, type TakenLease } from './lease-document.ts'

/**
 * Keeps a lease that was just taken.
 *
 * A failed renewal is tried again soon; past two thirds of the TTL nothing may be written until
 * one gets through, which proves that nobody took the lease meanwhile. It is lost for good when
 * the document has another holder, or when the store fails for good.
 */
export function renewedLease(
  documents: DocumentStore,
  taken: TakenLease,
  options: LeaseOptions,
): Lease {
  const { clock, ttlMs } = options
  const { key } = taken
  const { fence, owner } = taken.document
  const stop = new AbortController()
  let { document, tag, since } = taken
  let lost: LeaseLostError | undefined

  function lose(what: string, cause?: unknown): void {
    lost = new LeaseLostError(`${key}: expected to hold it with fence ${fence}, ${what}`, { cause })
    const isReleased = stop.signal.aborted
    stop.abort()
    if (!isReleased) options.onLost(lost)
  }

  /** Raises the beat; false asks for another try soon. */
  async function beat(): Promise<boolean> {
    const began = clock.now()
    const next = { ...document, beat: document.beat + 1 }
    const write = await documents.swap(key, plainJson(next), tag)
    if (write.ok) {
      document = next
      tag = write.tag
      since = began
      return true
    }
    const current = write.current && readDocument(key, write.current.value, leaseKind)
    if (write.current && current?.owner === owner && current?.fence === fence) {
      // Our own renewal, whose answer was lost. When it was stored we do not know: renew again.
      document = current
      tag = write.current.tag
    } else {
      lose(
        current ? `fence ${current.fence} of ${current.owner ?? 'nobody'} is there` : 'it is gone',
      )
    }
    return false
  }

  async function keepRenewing(): Promise<void> {
    let pause = ttlMs / 3
    for (;;) {
      await clock.sleep(pause, stop.signal)
      if (stop.signal.aborted) return
      try {
        pause = (await beat()) ? ttlMs / 3 : ttlMs / 12
      } catch (error) {
        if (!(error instanceof PipelineError && error.retryable)) lose('its store fails', error)
        pause = ttlMs / 12
      }
    }
  }

  const renewing = keepRenewing()
  const isHeld = (): boolean => !stop.signal.aborted && clock.now() - since < (ttlMs * 2) / 3
  return {
    fence,
    isHeld,
    assertHeld() {
      if (lost) throw lost
      if (!isHeld()) throw new LeaseLostError(`${key}: expected a renewal in time, got none`)
    },
    async release() {
      stop.abort()
      await renewing
      const { owner: _, ...released } = document
      // A lost swap means that another one holds it already.
      if (!lost) await documents.swap(key, plainJson(released), tag)
    },
  }
}
