import type { Matrix } from '../engine/matrix.ts'
import { centreRows } from '../metric/centre.ts'
import { effectiveRank, spread } from '../metric/rank.ts'

/** Spread under which embeddings count as collapsed, and the least share of the first rank. */
const leastSpread = 0.02
const leastRankShare = 0.5
/** Pictures that the effective rank is taken from: enough for an alarm, cheap at every phase. */
const rankedRows = 256

const firstRows = ({ rows, dim, data }: Matrix, limit: number): Matrix => ({
  rows: Math.min(rows, limit),
  dim,
  data: data.subarray(0, Math.min(rows, limit) * dim),
})

/**
 * An alarm that tells whether embeddings have fallen together: hardly any spread, or half of the
 * effective rank that the first ones shown had.
 *
 * @returns To be called with the embeddings of each phase in turn, shape [n, dim], unit rows.
 * @see `method.md` §6.
 */
export function collapseAlarm(): (embeddings: Matrix) => boolean {
  let firstRank: number | undefined
  return (embeddings) => {
    const rank = effectiveRank(centreRows(firstRows(embeddings, rankedRows)).matrix)
    firstRank ??= rank
    return rank === 0 || spread(embeddings) < leastSpread || rank < leastRankShare * firstRank
  }
}
