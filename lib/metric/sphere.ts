import type { Matrix } from '../engine/matrix.ts'
import { type BlockOptions, defaultBlockOptions } from './options.ts'
import { expectTwins, rowProduct } from './rows.ts'
import { similarityBlocks } from './similarity-blocks.ts'

/**
 * Mean squared distance between two views of the same images; 0 if views change nothing.
 *
 * @param viewA - Unit rows, shape [n, dim].
 * @param viewB - Unit rows of the same images in the same order, shape [n, dim].
 * @returns Range [0, 4].
 * @throws {@link ShapeError} if the shapes differ.
 * @see Wang, Isola: Alignment and uniformity on the hypersphere (2020).
 */
export function alignment(viewA: Matrix, viewB: Matrix): number {
  expectTwins('alignment', viewA, viewB, true)
  let sum = 0
  for (let row = 0; row < viewA.rows; row += 1) sum += 2 - 2 * rowProduct(viewA, row, viewB, row)
  return Math.max(0, sum / viewA.rows)
}

/**
 * How evenly unit vectors fill the sphere: ln of the mean of exp(−2‖x − y‖²) over pairs.
 *
 * @param matrix - Unit rows, shape [n, dim], n ≥ 2.
 * @returns 0 if all are equal, down to −8 for opposite pairs; about −4 when evenly spread.
 * @see Wang, Isola: Alignment and uniformity on the hypersphere (2020).
 */
export async function uniformity(
  matrix: Matrix,
  options: BlockOptions = defaultBlockOptions,
): Promise<number> {
  const n = matrix.rows
  let sum = 0
  for await (const { first, rows, similarities, unit } of similarityBlocks(
    matrix,
    matrix,
    options,
  )) {
    for (let row = 0; row < rows; row += 1) {
      for (let other = first + row + 1; other < n; other += 1) {
        sum += Math.exp(4 * ((similarities[row * n + other] as number) * unit - 1))
      }
    }
  }
  return Math.log(sum / ((n * (n - 1)) / 2))
}
