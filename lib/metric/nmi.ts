import { contingency } from './contingency.ts'

const entropy = (sizes: readonly number[], n: number): number =>
  -sizes.reduce((sum, size) => sum + (size / n) * Math.log(size / n), 0)

/**
 * Normalised mutual information of two labelings: 2·I/(H + H), 1 if one only renames the other,
 * 0 if neither tells anything about the other. Not corrected for chance: fine labelings score
 * high against anything.
 *
 * @param labelsA - Any integers, shape [n].
 * @param labelsB - Any integers, shape [n].
 * @returns Range [0, 1]; 1 if both put all rows together, as two equal labelings.
 * @throws {@link ShapeError} if the lengths differ.
 */
export function nmi(labelsA: Int32Array, labelsB: Int32Array): number {
  const { n, sizesA, sizesB, cells } = contingency('nmi', labelsA, labelsB)
  const both = entropy(sizesA, n) + entropy(sizesB, n)
  if (both === 0) return 1
  const shared = cells.reduce((sum, { a, b, count }) => {
    const expected = ((sizesA[a] as number) * (sizesB[b] as number)) / n
    return sum + (count / n) * Math.log(count / expected)
  }, 0)
  return Math.min(1, Math.max(0, (2 * shared) / both))
}

/**
 * Mean NMI of several clusterings against one truth: k-means depends on its seed, and papers
 * print the mean of three.
 *
 * @param labels - The truth, shape [n].
 * @param clusterings - One labeling a seed, shape [n] each, at least one.
 */
export function meanNmi(labels: Int32Array, clusterings: readonly Int32Array[]): number {
  return clusterings.reduce((sum, c) => sum + nmi(labels, c), 0) / clusterings.length
}

const pairs = (count: number): number => (count * (count - 1)) / 2

const pairsIn = (sizes: readonly number[]): number =>
  sizes.reduce((sum, size) => sum + pairs(size), 0)

/**
 * Adjusted Rand index of two labelings: agreement over pairs of rows, 0 as for random labelings
 * of the same sizes, 1 if one only renames the other.
 *
 * @param labelsA - Any integers, shape [n].
 * @param labelsB - Any integers, shape [n].
 * @returns Range [-0.5, 1]; 1 where chance alone decides (all together twice, all apart twice).
 * @throws {@link ShapeError} if the lengths differ.
 * @see Hubert, Arabie: Comparing partitions (1985).
 */
export function adjustedRand(labelsA: Int32Array, labelsB: Int32Array): number {
  const { n, sizesA, sizesB, cells } = contingency('adjustedRand', labelsA, labelsB)
  const together = pairsIn(cells.map(({ count }) => count))
  const inA = pairsIn(sizesA)
  const inB = pairsIn(sizesB)
  const expected = n < 2 ? 0 : (inA * inB) / pairs(n)
  const most = (inA + inB) / 2
  return most === expected ? 1 : (together - expected) / (most - expected)
}
