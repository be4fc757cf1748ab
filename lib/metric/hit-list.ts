/** What the ranking of one query says. */
export interface HitList {
  /** Mean of precision at each hit among the first R ranks, range [0, 1]. */
  readonly mapAtR: number
  /** Hits among the first R ranks over R, range [0, 1]. */
  readonly rPrecision: number
  /** Negatives ranked before the best positive; any number ≥ max(depth, R) reads Infinity. */
  readonly before: number
}

/** Room for one query's positives, made once and used for every row. */
export interface HitScratch {
  readonly positives: Float32Array
  readonly negatives: Int32Array
}

/** Room for up to `most` positives: 8·most bytes. */
export function hitScratch(most: number): HitScratch {
  return { positives: new Float32Array(most), negatives: new Int32Array(most) }
}

/** Index of the last entry of ascending values[from, to) that is ≤ value; values[from] is. */
function lastNotAbove(values: Float32Array, from: number, to: number, value: number): number {
  let low = from
  let high = to - 1
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if ((values[middle] as number) <= value) low = middle
    else high = middle - 1
  }
  return low
}

/**
 * Ranks one row of similarities only as far as the figures need: the R positives are sorted, and
 * one pass counts the negatives that reach a positive which can still rank among the first R.
 * Each such negative pushes positives out, so at most 2R of them are looked at twice.
 *
 * At a tie a negative ranks before a positive: a collapsed embedding scores 0.
 *
 * @param row - Similarities to the gallery, shape [n]. Entries of the query's own class, itself
 *   included, are overwritten.
 * @param self - The query's own index.
 * @param sameClass - Indices of its class, at least one other than `self`.
 * @param depth - Largest K of Recall@K: how far `before` has to count.
 */
export function hitList(
  row: Float32Array,
  self: number,
  sameClass: Int32Array,
  depth: number,
  scratch: HitScratch,
): HitList {
  const size = sameClass.length - 1 // R
  const positives = scratch.positives.subarray(0, size)
  const negatives = scratch.negatives.subarray(0, size).fill(0)
  let taken = 0
  for (const index of sameClass) {
    if (index !== self) {
      positives[taken] = row[index] as number
      taken += 1
    }
    row[index] = Number.NEGATIVE_INFINITY
  }
  positives.sort()
  const deepest = Math.max(depth, size)
  let lowest = 0 // the worst positive that still matters, and what it has to beat
  let reaching = 0 // negatives at or above it
  let bar = positives[0] as number
  for (let i = 0; i < row.length; i += 1) {
    const similarity = row[i] as number
    if (similarity >= bar) {
      const place = lastNotAbove(positives, lowest, size, similarity)
      negatives[place] = (negatives[place] as number) + 1
      reaching += 1
      while (lowest < size && reaching >= (lowest === size - 1 ? deepest : lowest + 1)) {
        reaching -= negatives[lowest] as number
        lowest += 1
      }
      if (lowest === size) break
      bar = positives[lowest] as number
    }
  }
  return summed(negatives, lowest, size)
}

/** The figures from the number of negatives between neighbouring positives. */
function summed(negatives: Int32Array, lowest: number, size: number): HitList {
  let before = 0
  let hits = 0
  let precisions = 0
  for (let i = size - 1; i >= lowest; i -= 1) {
    before += negatives[i] as number
    const hit = size - i
    if (hit + before > size) break
    hits = hit
    precisions += hit / (hit + before)
  }
  const first = lowest < size ? (negatives[size - 1] as number) : Number.POSITIVE_INFINITY
  return { mapAtR: precisions / size, rPrecision: hits / size, before: first }
}
