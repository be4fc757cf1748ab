import type { LearnerState } from './state.ts'

/** The state without pictures that can no longer be had, or must not be kept. */
export function withoutPictures(state: LearnerState, ids: ReadonlySet<string>): LearnerState {
  const isLeft = ({ id }: { readonly id: string }) => !ids.has(id)
  const { buffer, heldOut } = state
  const entries = new Map([...buffer.entries].filter(([id]) => !ids.has(id)))
  const gone = (buffer.rejected['gone'] ?? 0) + buffer.entries.size - entries.size
  return {
    ...state,
    buffer: { ...buffer, entries, rejected: { ...buffer.rejected, gone } },
    heldOut: {
      a: heldOut.a.filter(isLeft),
      b: heldOut.b.filter(isLeft),
      monitor: heldOut.monitor.filter(isLeft),
    },
  }
}
