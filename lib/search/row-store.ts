import type { Matrix } from '../engine/matrix.ts'
import { blockRows } from './options.ts'
import { areBetterJoined, disposeSegment, joined, type Segment, segment } from './segment.ts'

/** Rows of an index in the order in which they came, each picture once. */
export interface RowStore {
  /** Rows that can be found. */
  readonly size: number
  /** Rows that left because there were too many. */
  readonly left: number
  /** Rows that do not change any more, for the engine. */
  readonly segments: readonly Segment[]
  /** The newest rows, too few for it. */
  readonly open: Segment
  /**
   * Adds rows, shape [ids, dim]; a picture that is there already, or is masked, is passed over.
   *
   * @returns How many are new.
   */
  add(ids: readonly string[], vectors: Matrix): number
  /** Hides pictures, whether they are there or come later. */
  mask(ids: Iterable<string>): void
  dispose(): void
}

/** Rows that are multiplied without the engine. */
const openRows = 256

/**
 * An empty {@link RowStore}. New rows fill an open part; full, it becomes a segment.
 *
 * @param dim - Numbers of a row.
 * @param maxVectors - Rows at most; beyond it those that came first leave.
 */
export function rowStore(dim: number, maxVectors: number): RowStore {
  const emptyOpen = () => ({
    ...segment([], new Float32Array(openRows * dim)),
    ids: [] as string[],
  })
  const known = new Set<string>()
  const masked = new Set<string>()
  const segments: Segment[] = []
  let open = emptyOpen()
  let left = 0
  let size = 0

  /** Puts a segment behind the others, and joins what is better one. */
  const push = (one: Segment): void => {
    segments.push(one)
    for (;;) {
      const [before, last] = segments.slice(-2)
      if (before === undefined || last === undefined || !areBetterJoined(before, last)) return
      segments.splice(-2, 2, joined(before, last, dim))
    }
  }
  const sealOpen = (): void => {
    const { ids, data, masked } = open
    open = emptyOpen()
    if (ids.length > 0) push(segment(ids, data.slice(0, ids.length * dim), masked))
  }

  /** Lets the rows that came first leave until the rest fits. */
  const makeRoom = (): void => {
    while (known.size > maxVectors) {
      if (segments.length === 0) sealOpen()
      const first = segments[0] as Segment
      known.delete(first.ids[first.left] as string)
      if (!first.masked.has(first.left)) size -= 1
      first.left += 1
      left += 1
      if (first.left === first.ids.length) disposeSegment(segments.shift() as Segment)
      else if (first.left > first.ids.length / 2) {
        segments[0] = joined(first, segment([], new Float32Array()), dim)
      }
    }
  }

  return {
    segments,
    get open() {
      return open
    },
    get size() {
      return size
    },
    get left() {
      return left
    },
    add: (ids, { data }) => {
      const fresh: number[] = []
      for (const [row, id] of ids.entries()) {
        if (known.has(id) || masked.has(id)) continue
        known.add(id)
        fresh.push(row)
      }
      size += fresh.length
      const take = (from: number, count: number) => {
        const rows = fresh.slice(from, from + count)
        const taken = new Float32Array(rows.length * dim)
        for (const [i, row] of rows.entries()) {
          taken.set(data.subarray(row * dim, (row + 1) * dim), i * dim)
        }
        return segment(
          rows.map((row) => ids[row] as string),
          taken,
        )
      }
      for (let at = 0; at < fresh.length; ) {
        const isBulk = open.ids.length === 0 && fresh.length - at >= openRows
        const some = take(at, isBulk ? blockRows : openRows - open.ids.length)
        at += some.ids.length
        if (isBulk) push(some)
        else {
          open.data.set(some.data, open.ids.length * dim)
          open.ids.push(...some.ids)
          if (open.ids.length === openRows) sealOpen()
        }
      }
      makeRoom()
      return fresh.length
    },
    mask: (ids) => {
      for (const id of ids) {
        if (masked.has(id)) continue
        masked.add(id)
        if (!known.has(id)) continue
        size -= 1
        for (const one of [...segments, open]) {
          const row = one.ids.indexOf(id, one.left)
          if (row >= 0) one.masked.add(row)
        }
      }
    },
    dispose: () => {
      for (const one of segments) disposeSegment(one)
    },
  }
}
