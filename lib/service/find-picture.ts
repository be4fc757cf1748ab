import { InputError, MissingError } from '../errors.ts'
import type { BufferEntry, LearnerState, Picture, RecentPicture } from '../learn/state.ts'
import type { QuarantineEntry } from './read-quarantine.ts'

/** Where a picture is, or was. */
export type Whereabouts =
  | { readonly where: 'buffer'; readonly id: string; readonly picture: BufferEntry }
  | {
      readonly where: 'probe A' | 'probe B' | 'monitor'
      readonly id: string
      readonly picture: Picture
    }
  /** Applied before and not kept any more, or a duplicate of one that was. */
  | { readonly where: 'seen before'; readonly id: string; readonly picture?: RecentPicture }
  | { readonly where: 'quarantine'; readonly id: string; readonly entry: QuarantineEntry }

/** Longest part of an image id that is remembered of pictures seen before. */
const seenLength = 32

function* everywhere(
  state: LearnerState,
  quarantined: readonly QuarantineEntry[],
): Generator<Whereabouts> {
  const { buffer, heldOut, seen } = state
  for (const picture of buffer.entries.values()) yield { where: 'buffer', id: picture.id, picture }
  const sets = { 'probe A': heldOut.a, 'probe B': heldOut.b, monitor: heldOut.monitor }
  for (const where of ['probe A', 'probe B', 'monitor'] as const) {
    for (const picture of sets[where]) yield { where, id: picture.id, picture }
  }
  for (const entry of quarantined) {
    const id = entry.record.envelope?.['sha256']
    if (typeof id === 'string') yield { where: 'quarantine', id, entry }
  }
  for (const pictures of seen.recent.values()) {
    for (const picture of pictures) yield { where: 'seen before', id: picture.id, picture }
  }
  for (const id of seen.ids) yield { where: 'seen before', id }
}

/**
 * What is known of a picture.
 *
 * @param prefix - Its image id, or as many of its first characters as are needed.
 * @throws {@link InputError} if it is no hex, or several pictures begin with it;
 * {@link MissingError} if none does.
 */
export function findPicture(
  state: LearnerState,
  quarantined: readonly QuarantineEntry[],
  prefix: string,
): Whereabouts {
  const wanted = prefix.toLowerCase()
  if (!/^[0-9a-f]{1,64}$/.test(wanted)) {
    throw new InputError(`image: expected an image id or its first characters, got '${prefix}'`)
  }
  const found = new Map<string, Whereabouts>()
  for (const one of everywhere(state, quarantined)) {
    const key = one.id.slice(0, seenLength)
    const isIt = one.id.startsWith(wanted) || (one.id === key && wanted.startsWith(key))
    if (isIt && !found.has(key)) found.set(key, one)
  }
  const [first] = found.values()
  if (first === undefined) {
    throw new MissingError(`image: expected a picture that begins with ${wanted}, there is none`)
  }
  if (found.size === 1) return first
  throw new InputError(
    `image: expected one picture, ${found.size} begin with ${wanted}; give more of the id`,
  )
}
