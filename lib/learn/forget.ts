import { seenKey, wasSeen } from './duplicates.ts'
import type { BufferState, LearnerState, SeenState } from './state.ts'

/** The buffer without some pictures, counted under a reason. */
function withoutEntries(
  buffer: BufferState,
  ids: ReadonlySet<string>,
  reason: string,
): BufferState {
  const entries = new Map([...buffer.entries].filter(([id]) => !ids.has(id)))
  const left = buffer.entries.size - entries.size
  const rejected = { ...buffer.rejected, [reason]: (buffer.rejected[reason] ?? 0) + left }
  return { ...buffer, entries, rejected }
}

/**
 * The state without pictures that must not be trained on any more; those that are held out stay.
 *
 * @returns The state itself where none of them is in the buffer.
 */
export function withoutTraining(state: LearnerState, ids: ReadonlySet<string>): LearnerState {
  if (![...ids].some((id) => state.buffer.entries.has(id))) return state
  return { ...state, buffer: withoutEntries(state.buffer, ids, 'labelled') }
}

/** The state without pictures that can no longer be had: as seen they are remembered. */
export function withoutPictures(
  state: LearnerState,
  ids: ReadonlySet<string>,
  reason: 'gone' | 'erased' = 'gone',
): LearnerState {
  const isLeft = ({ id }: { readonly id: string }) => !ids.has(id)
  const { buffer, heldOut } = state
  return {
    ...state,
    buffer: withoutEntries(buffer, ids, reason),
    heldOut: {
      a: heldOut.a.filter(isLeft),
      b: heldOut.b.filter(isLeft),
      monitor: heldOut.monitor.filter(isLeft),
    },
  }
}

/** What has been seen without some pictures: whoever calls refuses them by another memory. */
function withoutSeen(seen: SeenState, ids: ReadonlySet<string>): SeenState {
  const ours = new Set(seen.ids)
  for (const id of ids) ours.delete(seenKey(id))
  const recent = [...seen.recent].map(
    ([source, pictures]) => [source, pictures.filter(({ id }) => !ids.has(id))] as const,
  )
  return { ...seen, ids: ours, recent: new Map(recent) }
}

/**
 * The state without pictures that must not be kept, nor remembered. Only a duplicate group that
 * others are in goes on under the id of its first picture.
 *
 * @returns The state itself where it names none of them.
 */
export function withoutErased(state: LearnerState, ids: ReadonlySet<string>): LearnerState {
  if (!namesAny(state, ids)) return state
  return { ...withoutPictures(state, ids, 'erased'), seen: withoutSeen(state.seen, ids) }
}

/** Whether any of these pictures is in the buffer, held out, or remembered as seen. */
export function namesAny(
  { buffer, heldOut, seen }: LearnerState,
  ids: ReadonlySet<string>,
): boolean {
  const isOne = ({ id }: { readonly id: string }) => ids.has(id)
  return (
    [...ids].some((id) => buffer.entries.has(id) || wasSeen(seen, id)) ||
    [heldOut.a, heldOut.b, heldOut.monitor].some((some) => some.some(isOne)) ||
    [...seen.recent.values()].some((some) => some.some(isOne))
  )
}
