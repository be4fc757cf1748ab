import { BusyError } from '../errors.ts'
import type { DocumentStore, Tag } from '../store/types.ts'
import { plainJson } from './canonical.ts'
import { readDocument, readFound, writeOver } from './document.ts'
import {
  type Lease,
  type LeaseDocument,
  type LeaseOptions,
  leaseKind,
  type TakenLease,
} from './lease-document.ts'
import { renewedLease } from './lease-renewal.ts'

/**
 * Takes the lease `lease/<name>` and renews it until it is released or lost.
 *
 * The rule, over any document store: absent, released or its owner dead → take it with
 * `fence + 1`; else watch it, and take it when its beat stood still for its whole TTL on our
 * clock. A holder renews every third of the TTL and stops writing at two thirds, so it is silent
 * before anyone else begins. The fence, compared where things are written, stops even a holder
 * that was asleep in the middle of a write.
 *
 * @param documents - Where the lease lives.
 * @param name - `learn`, `gc` or `run`.
 * @param options - See {@link LeaseOptions}.
 * @throws {@link BusyError} with `whenHeld: 'refuse'` if another holder is alive; the signal's
 * reason if the waiting was ended.
 */
export async function holdLease(
  documents: DocumentStore,
  name: string,
  options: LeaseOptions,
): Promise<Lease> {
  const taken = await take(documents, `lease/${name}`, options)
  return renewedLease(documents, taken, options)
}

async function take(
  documents: DocumentStore,
  key: string,
  options: LeaseOptions,
): Promise<TakenLease> {
  const { clock, owner, ttlMs, isOwnerDead } = options
  const signal = options.signal ?? new AbortController().signal
  let watched: { readonly tag: Tag; readonly since: number } | undefined
  for (;;) {
    signal.throwIfAborted()
    const since = clock.now()
    const found = await readFound(documents, key)
    const present = found && readDocument(key, found.value, leaseKind)
    const isStill = watched !== undefined && watched.tag === found?.tag
    const isFree =
      present?.owner === undefined ||
      isOwnerDead?.(present.owner) === true ||
      (isStill && since - (watched?.since ?? since) >= present.ttlMs)
    if (isFree) {
      const fence = (present?.fence ?? 0) + 1
      const document: LeaseDocument = { format: 1, owner, fence, beat: 0, ttlMs }
      const write = await writeOver(documents, key, plainJson(document), found)
      if (write.ok) return { key, document, tag: write.tag, since }
      watched = undefined
    } else if (!isStill && found) {
      if (watched && options.whenHeld === 'refuse') {
        throw new BusyError(`${key}: expected it to be free, ${present.owner} holds it`)
      }
      // From after the read: the holder may have written at any time before it.
      watched = { tag: found.tag, since: clock.now() }
    }
    if (!isFree) await clock.sleep(present.ttlMs / 6, signal)
  }
}
