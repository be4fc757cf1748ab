import type { Matrix } from '../../lib/engine/matrix.ts'
import { randomStream } from '../../lib/engine/random.ts'
import { digestOf } from '../../lib/registry/digest.ts'
import type { Neighbour, PictureVectors, Stamp } from '../../lib/search/types.ts'

/** What the vectors of these tests were made with. */
export const stamp: Stamp = { version: 'v1-0123456789ab', preprocessingHash: 'p' }

/** The image id of a number. */
export const idOf = (n: number | string): string => digestOf(new TextEncoder().encode(`${n}`))

/** Unit rows of a standard normal distribution. */
export function unitRows(rows: number, dim: number, seed = 1): Matrix {
  const random = randomStream(seed, 'search')
  const data = new Float32Array(rows * dim)
  for (let row = 0; row < rows; row += 1) {
    const values = Array.from({ length: dim }, () => random.normal())
    const norm = Math.hypot(...values)
    data.set(
      values.map((value) => value / norm),
      row * dim,
    )
  }
  return { rows, dim, data }
}

/** Rows as pictures whose ids are those of the numbers from `first` on. */
export function pictures(vectors: Matrix, first = 0): PictureVectors {
  return { ...stamp, ids: Array.from({ length: vectors.rows }, (_, i) => idOf(first + i)), vectors }
}

/** The same question answered by the textbook: every product in float64, then a sort. */
export function neighboursByLoop(
  gallery: Pick<PictureVectors, 'ids' | 'vectors'>,
  query: Float32Array,
  k: number,
): Neighbour[] {
  const { dim, data } = gallery.vectors
  return gallery.ids
    .map((id, row) => {
      let similarity = 0
      for (let i = 0; i < dim; i += 1) {
        similarity += (query[i] as number) * (data[row * dim + i] as number)
      }
      return { id, similarity }
    })
    .sort((a, b) => b.similarity - a.similarity || (a.id < b.id ? -1 : 1))
    .slice(0, k)
}

/** Row of a matrix. */
export function rowOf({ dim, data }: Matrix, row: number): Float32Array {
  return data.subarray(row * dim, (row + 1) * dim)
}
