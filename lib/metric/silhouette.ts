import type { Matrix } from '../engine/matrix.ts'
import { classesOf } from './classes.ts'
import { expectLength } from './rows.ts'

/** Distances below this are rounding: the float32 rows may miss length 1 by as much. */
const noise = 1e-6

/**
 * Mean silhouette with cosine distance: how much nearer a row is to its own cluster than to the
 * next one. The mean distance to a cluster needs only the sum of its rows, so the cost is n·k·dim.
 *
 * @param matrix - Unit rows, shape [n, dim].
 * @param labels - Cluster of each row, shape [n].
 * @returns Range [-1, 1]; a row alone in its cluster counts 0, and so does everything if there is
 *   one cluster only.
 * @throws {@link ShapeError} if the lengths differ.
 * @see Rousseeuw: Silhouettes (1987).
 */
export function silhouette(matrix: Matrix, labels: Int32Array): number {
  const { rows, dim, data } = matrix
  expectLength('silhouette', 'labels', labels.length, rows)
  const { count, of, starts } = classesOf(labels)
  if (count < 2) return 0
  const size = (c: number) => (starts[c + 1] as number) - (starts[c] as number)
  const sums = new Float64Array(count * dim)
  for (let i = 0; i < rows * dim; i += 1) {
    const place = (of[Math.floor(i / dim)] as number) * dim + (i % dim)
    sums[place] = (sums[place] as number) + (data[i] as number)
  }
  let total = 0
  for (let row = 0; row < rows; row += 1) {
    const own = of[row] as number
    if (size(own) === 1) continue
    let within = 0
    let nearestOther = Number.POSITIVE_INFINITY
    for (let c = 0; c < count; c += 1) {
      let product = 0
      for (let i = 0; i < dim; i += 1) {
        product += (data[row * dim + i] as number) * (sums[c * dim + i] as number)
      }
      // The row itself is in its own sum, at distance 0.
      if (c === own) within = Math.max(0, (size(c) - product) / (size(c) - 1))
      else nearestOther = Math.min(nearestOther, Math.max(0, 1 - product / size(c)))
    }
    const larger = Math.max(within, nearestOther)
    total += larger < noise ? 0 : (nearestOther - within) / larger
  }
  return total / rows
}
