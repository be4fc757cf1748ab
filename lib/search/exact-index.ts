import type { Matrix } from '../engine/matrix.ts'
import { type Tensor2D, tf } from '../engine/tf.ts'
import { InputError, ShapeError } from '../errors.ts'
import { nearest, product, type Scanned } from './nearest.ts'
import { blockRows, defaultIndexOptions, type IndexOptions } from './options.ts'
import { columnsOf, disposeSegment, joined, type Segment, segment } from './segment.ts'
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

/** Rows that are multiplied here before the engine is given them. */
const openRows = 1_024
/** Rows of a segment at most: one product of them is faster than several, one copy is bearable. */
const segmentRows = 8 * blockRows
/** Queries that are answered at once: bounds the similarities in memory. */
const queriesAtOnce = 64
/** What a norm may differ from 1 by: rows pass through float32. */
const normTolerance = 1e-3

/**
 * An empty {@link ExactIndex}. New vectors fill an open part, full ones become immutable.
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
  const known = new Set<string>()
  const masked = new Set<string>()
  const segments: Segment[] = []
  let open: { ids: string[]; data: Float32Array } = emptyOpen(dim)
  let left = 0
  let findable = 0

  /** Makes the open part, or rows that come in bulk, a segment; joins what has become small. */
  const seal = (ids: readonly string[], data: Float32Array): void => {
    if (ids.length === 0) return
    const hidden = [...ids.keys()].filter((row) => masked.has(ids[row] as string))
    segments.push(segment(ids, data, hidden))
    for (const limit of [blockRows, segmentRows]) {
      const [before, last] = segments.slice(-2)
      if (before === undefined || last === undefined) return
      const isGrown = limit === blockRows || last.ids.length >= blockRows
      if (!isGrown || before.ids.length - before.left + last.ids.length > limit) continue
      segments.splice(-2, 2, joined(before, last, dim))
    }
  }
  const sealOpen = (): void => {
    seal(open.ids, open.data.slice(0, open.ids.length * dim))
    open = emptyOpen(dim)
  }

  /** Lets the rows that were added first leave until the rest fits. */
  const makeRoom = (): void => {
    while (known.size > maxVectors) {
      if (segments.length === 0) sealOpen()
      const first = segments[0] as Segment
      const id = first.ids[first.left] as string
      if (!first.masked.has(first.left)) findable -= 1
      first.left += 1
      left += 1
      known.delete(id)
      if (first.left === first.ids.length) disposeSegment(segments.shift() as Segment)
      else if (first.left > first.ids.length / 2) {
        segments[0] = joined(first, segment([], new Float32Array()), dim)
      }
    }
  }

  const search = async (
    queries: Matrix,
    from: number,
    to: number,
    k: number,
  ): Promise<(readonly Neighbour[])[]> => {
    const products = tf.tidy(() => {
      const rows = tf.tensor2d(queries.data.slice(from * dim, to * dim), [to - from, dim]) // [n, dim]
      return segments.map((one) => tf.matMul(rows, columnsOf(one, dim)) as Tensor2D) // [n, segment]
    })
    // Until the engine has answered, rows may come and go: what is ranked is what is here now.
    const parts = segments.map(({ ids, data, left, masked }) => ({
      ids,
      data,
      left,
      hidden: [...masked],
    }))
    const rest = { ids: [...open.ids], data: open.data.slice(0, open.ids.length * dim) }
    const unfound = [...rest.ids.keys()].filter((row) => masked.has(rest.ids[row] as string))
    const similarities = (await Promise.all(products.map((one) => one.data()))) as Float32Array[]
    tf.dispose(products)
    return Array.from({ length: to - from }, (_, i) => {
      const query = queries.data.subarray((from + i) * dim, (from + i + 1) * dim)
      const scanned: Scanned[] = parts.map(({ ids, data, left, hidden }, p) => {
        const all = similarities[p] as Float32Array
        const mine = all.subarray(i * ids.length, (i + 1) * ids.length)
        mine.fill(Number.NEGATIVE_INFINITY, 0, left)
        for (const row of hidden) mine[row] = Number.NEGATIVE_INFINITY
        return { ids, data, similarities: mine }
      })
      const here = Float32Array.from(rest.ids, (_, row) => product(query, rest.data, row))
      for (const row of unfound) here[row] = Number.NEGATIVE_INFINITY
      return nearest(query, [...scanned, { ...rest, similarities: here }], k)
    })
  }

  return {
    version,
    preprocessingHash,
    dim,
    get size() {
      return findable
    },
    get left() {
      return left
    },
    add: (pictures) => {
      expectStamp('index', stamp, pictures)
      expectRows('index', pictures.vectors, dim)
      expectUnit(pictures.vectors)
      const { ids, vectors } = pictures
      const fresh: number[] = []
      for (const [row, id] of ids.entries()) {
        if (known.has(id) || masked.has(id)) continue
        known.add(id)
        fresh.push(row)
      }
      findable += fresh.length
      const rows = (some: readonly number[]) => {
        const data = new Float32Array(some.length * dim)
        for (const [i, row] of some.entries()) {
          data.set(vectors.data.subarray(row * dim, (row + 1) * dim), i * dim)
        }
        return { ids: some.map((row) => ids[row] as string), data }
      }
      let at = 0
      while (at < fresh.length) {
        if (open.ids.length === 0 && fresh.length - at >= openRows) {
          const bulk = rows(fresh.slice(at, at + blockRows))
          seal(bulk.ids, bulk.data)
          at += bulk.ids.length
          continue
        }
        const some = rows(fresh.slice(at, at + openRows - open.ids.length))
        open.data.set(some.data, open.ids.length * dim)
        open.ids.push(...some.ids)
        at += some.ids.length
        if (open.ids.length === openRows) sealOpen()
      }
      makeRoom()
      return fresh.length
    },
    mask: (ids) => {
      for (const id of ids) {
        if (masked.has(id)) continue
        masked.add(id)
        if (!known.has(id)) continue
        findable -= 1
        for (const one of segments) {
          const row = one.ids.indexOf(id, one.left)
          if (row >= 0) one.masked.add(row)
        }
      }
    },
    search: async (queries, k) => {
      expectStamp('search', stamp, queries)
      expectRows('search', queries.vectors, dim)
      expectFinite(queries.vectors)
      if (!Number.isInteger(k) || k < 1) {
        throw new InputError(`search: expected k to be an integer of 1 or more, got ${k}`)
      }
      const { rows } = queries.vectors
      const answers: (readonly Neighbour[])[] = []
      for (let from = 0; from < rows; from += queriesAtOnce) {
        const to = Math.min(rows, from + queriesAtOnce)
        answers.push(...(await search(queries.vectors, from, to, Math.min(k, known.size || 1))))
      }
      return answers
    },
    dispose: () => {
      for (const one of segments) disposeSegment(one)
    },
  }
}

function emptyOpen(dim: number): { ids: string[]; data: Float32Array } {
  return { ids: [], data: new Float32Array(openRows * dim) }
}

function expectRows(where: string, vectors: Matrix, dim: number): void {
  if (vectors.dim === dim && vectors.data.length === vectors.rows * dim) return
  throw new ShapeError(
    `${where}: vectors must have shape [?, ${dim}], got [${vectors.rows}, ${vectors.dim}]`,
  )
}

function expectFinite({ data }: Matrix): void {
  if (!data.every(Number.isFinite)) {
    throw new InputError('search: expected finite numbers, got one that is not')
  }
}

/** The bound on the engine's errors holds for rows of norm 1; a row of zeros is near to nothing. */
function expectUnit({ rows, dim, data }: Matrix): void {
  for (let row = 0; row < rows; row += 1) {
    let squares = 0
    for (let i = row * dim; i < (row + 1) * dim; i += 1) squares += (data[i] as number) ** 2
    const norm = Math.sqrt(squares)
    if (Math.abs(norm - 1) <= normTolerance || norm === 0) continue
    throw new InputError(`index: expected rows of norm 1, got ${norm} in row ${row}`)
  }
}
