import type { BufferState, LearnerState } from './state.ts'

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

/** The state without pictures that can no longer be had, or must not be kept. */
export function withoutPictures(state: LearnerState, ids: ReadonlySet<string>): LearnerState {
  const isLeft = ({ id }: { readonly id: string }) => !ids.has(id)
  const { buffer, heldOut } = state
  return {
    ...state,
    buffer: withoutEntries(buffer, ids, 'gone'),
    heldOut: {
      a: heldOut.a.filter(isLeft),
      b: heldOut.b.filter(isLeft),
      monitor: heldOut.monitor.filter(isLeft),
    },
  }
}

/** Whether any of these pictures is in the buffer or held out. */
export function knowsAny({ buffer, heldOut }: LearnerState, ids: ReadonlySet<string>): boolean {
  const isOne = ({ id }: { readonly id: string }) => ids.has(id)
  return (
    [...ids].some((id) => buffer.entries.has(id)) ||
    [heldOut.a, heldOut.b, heldOut.monitor].some((some) => some.some(isOne))
  )
}
