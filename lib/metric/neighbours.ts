import type { Matrix } from '../engine/matrix.ts'
import {
  type BlockOptions,
  defaultBlockOptions,
  defaultNeighbourOptions,
  type NeighbourOptions,
} from './options.ts'
import { expectTwins } from './rows.ts'
import { similarityBlocks } from './similarity-blocks.ts'

/** Neighbours of each row: indices in the order of similarity, fewer where ties leave it open. */
type Neighbourhoods = readonly Int32Array[]

/** The `count` nearest of one row, and no part of a tie that crosses the border. */
function nearestOf(row: Float32Array, self: number, count: number): Int32Array {
  const best = new Float32Array(count + 1).fill(Number.NEGATIVE_INFINITY)
  const index = new Int32Array(count + 1).fill(-1)
  for (let i = 0; i < row.length; i += 1) {
    const similarity = row[i] as number
    if (similarity <= (best[count] as number) || i === self) continue
    let place = count
    while (place > 0 && (best[place - 1] as number) < similarity) {
      best[place] = best[place - 1] as number
      index[place] = index[place - 1] as number
      place -= 1
    }
    best[place] = similarity
    index[place] = i
  }
  const outside = best[count] as number
  return index.slice(0, count).filter((_, place) => (best[place] as number) > outside)
}

/**
 * The `count` nearest other rows of each row, by cosine.
 *
 * Where the tie for the last place is shared, nobody gets it: in a collapsed space, where all
 * rows tie, neighbourhoods are empty instead of arbitrary.
 *
 * @param matrix - Shape [n, dim].
 * @param count - Neighbours, ≥ 1.
 * @param seen - The same images as they look for their neighbours, shape [n, dim]. Default: as in
 * `matrix`.
 */
export async function nearest(
  matrix: Matrix,
  count: number,
  options: BlockOptions = defaultBlockOptions,
  seen: Matrix = matrix,
): Promise<Neighbourhoods> {
  const found: Int32Array[] = []
  for await (const { first, rows, similarities } of similarityBlocks(seen, matrix, options)) {
    for (let row = 0; row < rows; row += 1) {
      const start = row * matrix.rows
      found.push(nearestOf(similarities.subarray(start, start + matrix.rows), first + row, count))
    }
  }
  return found
}

/** Number of indices that two neighbourhoods share. */
function shared(a: Int32Array, b: Int32Array): number {
  return a.reduce((sum, index) => sum + Number(b.includes(index)), 0)
}

/**
 * Whether an image keeps its neighbours when it is seen differently: Jaccard overlap of its nearest
 * other images as it is and as the view shows it, among the others as they are. Label-free; a
 * primary of the gate.
 *
 * The others stay as they are: were all seen differently, a view that hides what tells images apart
 * would order them alike in any space, and a collapsed one would look steady.
 *
 * @param plain - Every image as it is, centred, shape [n, dim].
 * @param view - The same images in the same order, seen differently, shape [n, dim].
 * @returns Per image, range [0, 1], shape [n]; 0 where ties leave no neighbour (see `nearest`).
 * @throws {@link ShapeError} if the shapes differ.
 */
export async function neighbourConsistency(
  plain: Matrix,
  view: Matrix,
  options: NeighbourOptions = {},
): Promise<Float32Array> {
  const { neighbours, ...blockOptions } = { ...defaultNeighbourOptions, ...options }
  expectTwins('neighbourConsistency', plain, view, true)
  const before = await nearest(plain, neighbours, blockOptions)
  const after = await nearest(plain, neighbours, blockOptions, view)
  return Float32Array.from(before, (a, image) => {
    const b = after[image] as Int32Array
    const both = shared(a, b)
    const either = a.length + b.length - both
    return either === 0 ? 0 : both / either
  })
}

/**
 * Whether two models agree on neighbours: mean share of an image's nearest images in one space
 * that are so in the other. A veto of the gate, against a candidate that forgot.
 *
 * @param a - Images in one space, centred, shape [n, dim].
 * @param b - The same images in the other space, shape [n, any dim].
 * @returns Range [0, 1].
 * @throws {@link ShapeError} if the rows differ.
 */
export async function neighbourOverlap(
  a: Matrix,
  b: Matrix,
  options: NeighbourOptions = {},
): Promise<number> {
  const { neighbours, ...blockOptions } = { ...defaultNeighbourOptions, ...options }
  expectTwins('neighbourOverlap', a, b, false)
  const inA = await nearest(a, neighbours, blockOptions)
  const inB = await nearest(b, neighbours, blockOptions)
  const most = Math.min(neighbours, a.rows - 1)
  return inA.reduce((sum, near, i) => sum + shared(near, inB[i] as Int32Array) / most, 0) / a.rows
}
