import { type Tensor2D, tf } from '../engine/tf.ts'
import { blockRows } from './options.ts'

/** Rows that the engine multiplies at once, and their numbers outside it, for the last word. */
export interface Segment {
  readonly ids: readonly string[]
  /** Shape [ids, dim], row by row. */
  readonly data: Float32Array
  /** Rows that left: the first so many. */
  left: number
  /** Rows that are never found. */
  readonly masked: Set<number>
  /** Shape [dim, ids]: the layout in which queries are multiplied fast. Made at first use. */
  columns: Tensor2D | undefined
}

/** A segment that the engine has not seen. */
export function segment(
  ids: readonly string[],
  data: Float32Array,
  masked: Iterable<number> = [],
): Segment {
  return { ids, data, left: 0, masked: new Set(masked), columns: undefined }
}

/** The segment as the engine multiplies it, shape [dim, ids]; the segment owns it. */
export function columnsOf(one: Segment, dim: number): Tensor2D {
  // Kept: whoever multiplies may do so inside a tidy of its own.
  one.columns ??= tf.keep(
    tf.tidy(() => {
      const rows = tf.tensor2d(one.data, [one.ids.length, dim]) // [n, dim]
      return tf.transpose(rows) as Tensor2D // [dim, n]
    }),
  )
  return one.columns
}

/** Rows of a segment at most: one product of them is faster than several, one copy is bearable. */
const segmentRows = 8 * blockRows

/**
 * Whether two neighbours are better one. What the engine has a copy of already is joined with
 * full blocks only: it has to be given the whole again.
 */
export function areBetterJoined(before: Segment, last: Segment): boolean {
  const rows = before.ids.length - before.left + last.ids.length
  if (rows <= blockRows) return true
  return rows <= segmentRows && (last.ids.length >= blockRows || before.columns === undefined)
}

/** Both in one, without what left the first; both are disposed. */
export function joined(first: Segment, second: Segment, dim: number): Segment {
  const { left } = first
  const kept = first.data.subarray(left * dim)
  const data = new Float32Array(kept.length + second.data.length)
  data.set(kept)
  data.set(second.data, kept.length)
  const rows = first.ids.length - left
  const masked = [...first.masked].map((row) => row - left).filter((row) => row >= 0)
  for (const row of second.masked) masked.push(rows + row)
  disposeSegment(first)
  disposeSegment(second)
  return segment([...first.ids.slice(left), ...second.ids], data, masked)
}

/** Frees what the engine holds of it. */
export function disposeSegment(one: Segment): void {
  one.columns?.dispose()
  one.columns = undefined
}
