/** Rows grouped by label. */
export interface Classes {
  /** Number of distinct labels. */
  readonly count: number
  /** Dense class of each row, in the order of first appearance, range [0, count). */
  readonly of: Int32Array
  /** Rows, class after class, ascending inside a class. */
  readonly rows: Int32Array
  /** Where class c begins in `rows`; one more entry than classes. */
  readonly starts: Int32Array
}

/**
 * Groups rows by label.
 *
 * @param labels - Any integers, one a row.
 */
export function classesOf(labels: Int32Array): Classes {
  const known = new Map<number, number>()
  const of = labels.map((label) => {
    const found = known.get(label) ?? known.size
    known.set(label, found)
    return found
  })
  const starts = new Int32Array(known.size + 1)
  for (const c of of) starts[c + 1] = (starts[c + 1] as number) + 1
  for (let c = 0; c < known.size; c += 1) {
    starts[c + 1] = (starts[c + 1] as number) + (starts[c] as number)
  }
  const rows = new Int32Array(labels.length)
  const next = starts.slice()
  of.forEach((c, row) => {
    rows[next[c] as number] = row
    next[c] = (next[c] as number) + 1
  })
  return { count: known.size, of, rows, starts }
}
