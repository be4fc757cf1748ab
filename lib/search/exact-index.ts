import { type Tensor2D, tf } from '../engine/tf.ts'
import { InputError } from '../errors.ts'
import { expectFinite, expectRows, expectUnit } from './expect-vectors.ts'
import { nearest, product } from './nearest.ts'
import { defaultIndexOptions, type IndexOptions } from './options.ts'
import { rowStore } from './row-store.ts'
import { columnsOf } from './segment.ts'
import { expectStamp } from './stamp.ts'
import type { Neighbour, PictureVectors, Stamp, StampedVectors } from './types.ts'

/** Vectors of one model, searched exactly. */
export interface ExactIndex extends Stamp {
  /** Length of a vector. */
  readonly dim: number
  /** Vectors that can be found. */
  readonly size: number
  /** Vectors that left because there were more than `maxVectors`. */
  readonly left: number
  /**
   * Adds pictures; one that is there already, or is masked, stays as it is.
   *
   * @returns How many are new.
   * @throws {@link VersionMismatchError} if another model or preprocessing made them;
   * {@link ShapeError} if their length differs; {@link InputError} if one is no unit row.
   */
  add(pictures: PictureVectors): number
  /** Has pictures never be found, whether they are there or come later. */
  mask(ids: Iterable<string>): void
  /**
   * The most similar pictures of each query, nearest first, ties to the smaller id: what a sort
   * of all products in float64 would say.
   *
   * @param queries - Shape [n, dim].
   * @param k - Neighbours of each query, an integer ≥ 1; fewer where the index holds fewer.
   * @throws {@link VersionMismatchError} if another model or preprocessing made the queries;
   * {@link ShapeError} if their length differs; {@link InputError} if a number is not finite.
   */
  search(queries: StampedVectors, k: number): Promise<readonly (readonly Neighbour[])[]>
  /** Frees what the engine holds. */
  dispose(): void
}

/** Queries that are answered at once: bounds the similarities in memory. */
const queriesAtOnce = 64

/**
 * An empty {@link ExactIndex}.
 *
 * Memory: the vectors twice, here and on the engine.
 *
 * @param stamp - What every vector in it was made with.
 * @param dim - Length of a vector.
 * @param options - See {@link IndexOptions}.
 */
export function exactIndex(stamp: Stamp, dim: number, options: IndexOptions = {}): ExactIndex {
  const { maxVectors } = { ...defaultIndexOptions, ...options }
  const { version, preprocessingHash } = stamp
  const rows = rowStore(dim, maxVectors)

  /** Answers some queries, shape [n, dim]. */
  const answer = async (queries: Float32Array, k: number): Promise<(readonly Neighbour[])[]> => {
    const n = queries.length / dim
    const { segments, open } = rows
    const products = tf.tidy(() => {
      const asked = tf.tensor2d(queries, [n, dim]) // [n, dim]
      return segments.map((one) => tf.matMul<Tensor2D>(asked, columnsOf(one, dim))) // [n, segment]
    })
    // Until the engine has answered, rows may come and go: what is ranked is what is here now.
    const parts = [...segments, open].map(({ ids, data, left, masked }) => ({
      ids,
      data,
      left,
      masked: [...masked],
      count: ids.length, // the open part grows
    }))
    const similarities = (await Promise.all(products.map((one) => one.data()))) as Float32Array[]
    tf.dispose(products)
    return Array.from({ length: n }, (_, i) => {
      const query = queries.subarray(i * dim, (i + 1) * dim)
      const scanned = parts.map(({ ids, data, left, masked, count }, p) => {
        const mine =
          similarities[p]?.subarray(i * count, (i + 1) * count) ??
          Float32Array.from({ length: count }, (_, row) => product(query, data, row))
        mine.fill(Number.NEGATIVE_INFINITY, 0, left)
        for (const row of masked) mine[row] = Number.NEGATIVE_INFINITY
        return { ids, data, similarities: mine }
      })
      return nearest(query, scanned, k)
    })
  }

  return {
    version,
    preprocessingHash,
    dim,
    get size() {
      return rows.size
    },
    get left() {
      return rows.left
    },
    add: (pictures) => {
      expectStamp('index', stamp, pictures)
      expectRows('index', pictures.vectors, dim)
      expectUnit('index', pictures.vectors)
      return rows.add(pictures.ids, pictures.vectors)
    },
    mask: rows.mask,
    search: async (queries, k) => {
      expectStamp('search', stamp, queries)
      expectRows('search', queries.vectors, dim)
      expectFinite('search', queries.vectors)
      if (!Number.isInteger(k) || k < 1) {
        throw new InputError(`search: expected k to be an integer of 1 or more, got ${k}`)
      }
      const { data } = queries.vectors
      const answers: (readonly Neighbour[])[] = []
      for (let at = 0; at < data.length; at += queriesAtOnce * dim) {
        const some = data.slice(at, at + queriesAtOnce * dim)
        answers.push(...(await answer(some, Math.min(k, rows.size || 1))))
      }
      return answers
    },
    dispose: rows.dispose,
  }
}
