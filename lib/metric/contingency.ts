import { classesOf } from './classes.ts'
import { expectLength } from './rows.ts'

/** How two labelings of the same rows meet. */
export interface Contingency {
  readonly n: number
  /** Rows a label of the first labeling has; likewise of the second. */
  readonly sizesA: readonly number[]
  readonly sizesB: readonly number[]
  /** The pairs of labels that occur, with their number of rows. */
  readonly cells: readonly { readonly a: number; readonly b: number; readonly count: number }[]
}

/**
 * Counts every pair of labels that occurs.
 *
 * @throws {@link ShapeError} if the lengths differ.
 */
export function contingency(where: string, labelsA: Int32Array, labelsB: Int32Array): Contingency {
  expectLength(where, 'labelsB', labelsB.length, labelsA.length)
  const a = classesOf(labelsA)
  const b = classesOf(labelsB)
  const counts = new Map<number, number>()
  a.of.forEach((classA, row) => {
    const cell = classA * b.count + (b.of[row] as number)
    counts.set(cell, (counts.get(cell) ?? 0) + 1)
  })
  const sizes = (starts: Int32Array) =>
    Array.from(starts.subarray(1), (end, c) => end - (starts[c] as number))
  return {
    n: labelsA.length,
    sizesA: sizes(a.starts),
    sizesB: sizes(b.starts),
    cells: Array.from(counts, ([cell, count]) => ({
      a: Math.floor(cell / b.count),
      b: cell % b.count,
      count,
    })),
  }
}
