import type { Matrix } from '../../lib/engine/matrix.ts'
import {
  type BufferEntry,
  type BufferState,
  emptyState,
  type LearnerState,
  type Picture,
} from '../../lib/learn/state.ts'

/** A picture that is its own duplicate group. */
export function pictureOf(id: string, more: Partial<Picture> = {}): Picture {
  return { id, source: 'camera', at: 1, group: id, ...more }
}

/** A buffer entry of the recent half. */
export function entryOf(id: string, arrival: number, more: Partial<BufferEntry> = {}): BufferEntry {
  const half = 'recent' as const
  return { ...pictureOf(id), arrival, half, untrusted: 0, identity: undefined, ...more }
}

/** A buffer of these entries, which no round has seen. */
export function bufferOf(entries: readonly BufferEntry[], freshFrom = 0): BufferState {
  return {
    ...emptyState.buffer,
    entries: new Map(entries.map((entry) => [entry.id, entry])),
    arrivals: entries.length,
    freshFrom,
  }
}

/** A learner with `count` pictures in its buffer, `old` of which had their round. */
export function learnerWith(count: number, old = 0): LearnerState {
  const entries = Array.from({ length: count }, (_, i) => entryOf(`p${i}`, i))
  return { ...emptyState, buffer: bufferOf(entries, old) }
}

/** Rows of a matrix, written out. */
export function matrixOf(rows: readonly (readonly number[])[]): Matrix {
  return { rows: rows.length, dim: rows[0]?.length ?? 0, data: Float32Array.from(rows.flat()) }
}
