import { setImmediate as breathe } from 'node:timers/promises'
import { randomStream } from '../engine/random.ts'
import type { Block } from './block.ts'
import { exactIndex } from './exact-index.ts'
import { nearest, product } from './nearest.ts'
import type { Neighbour, Stamp } from './types.ts'

/** Settings of {@link indexRecall}. */
export interface RecallOptions {
  /** Queries, drawn among the rows, ≥ 1. Default 100. */
  readonly queries?: number
  /** Neighbours of each, ≥ 1. Default 10. */
  readonly k?: number
  /** Of the draw. Default 1. */
  readonly seed?: number
}
/** Defaults of {@link RecallOptions}. */
export const defaultRecallOptions: Required<RecallOptions> = { queries: 100, k: 10, seed: 1 }

/** Blocks that can be read again and again, one at a time. */
export interface BlockSource extends Stamp {
  readonly dim: number
  /** Rows of each block. */
  readonly sizes: readonly number[]
  block(i: number): Promise<Block>
}

/**
 * Share of true neighbours that an index of these blocks finds: recall@k of sampled rows, against
 * a scan in float64 that shares neither engine nor index with it.
 *
 * @returns Range [0, 1]; 1 where there is nothing to find.
 */
export async function indexRecall(
  source: BlockSource,
  options: RecallOptions = {},
): Promise<number> {
  const { queries: count, k, seed } = { ...defaultRecallOptions, ...options }
  const { dim, sizes } = source
  const total = sizes.reduce((sum, rows) => sum + rows, 0)
  if (total === 0) return 1
  const random = randomStream(seed, 'recall')
  const drawn = new Set(Array.from({ length: count }, () => random.integer(total)))
  const index = exactIndex(source, dim, { maxVectors: total })
  try {
    const queries = await sampled(source, drawn, (block) => {
      const { version, preprocessingHash } = source
      index.add({ version, preprocessingHash, ids: block.ids, vectors: block.vectors })
    })
    const expected = await scanned(source, queries, k)
    const data = Float32Array.from(queries.flatMap((query) => [...query]))
    const vectors = { rows: queries.length, dim, data }
    const { version, preprocessingHash } = source
    const found = await index.search({ version, preprocessingHash, vectors }, k)
    return shareFound(expected, found)
  } finally {
    index.dispose()
  }
}

/** The drawn rows; each block is shown on the way. */
async function sampled(
  { sizes, dim, block }: BlockSource,
  drawn: ReadonlySet<number>,
  show: (block: Block) => void,
): Promise<Float32Array[]> {
  const rows: Float32Array[] = []
  let first = 0
  for (const [i, size] of sizes.entries()) {
    const one = await block(i)
    show(one)
    for (let row = 0; row < size; row += 1) {
      if (drawn.has(first + row)) rows.push(one.vectors.data.slice(row * dim, (row + 1) * dim))
    }
    first += size
  }
  return rows
}

/** The neighbours of each query among all rows; others get their turn after each query. */
async function scanned(
  { sizes, block }: BlockSource,
  queries: readonly Float32Array[],
  k: number,
): Promise<(readonly Neighbour[])[]> {
  let best: (readonly Neighbour[])[] = queries.map(() => [])
  for (const i of sizes.keys()) {
    const { ids, vectors } = await block(i)
    const next: (readonly Neighbour[])[] = []
    for (const [q, query] of queries.entries()) {
      const similarities = Float32Array.from(ids, (_, row) => product(query, vectors.data, row))
      const here = nearest(query, [{ ids, data: vectors.data, similarities }], k)
      next.push(merged(best[q] ?? [], here, k))
      await breathe()
    }
    best = next
  }
  return best
}

/** The nearest of both; a picture that is in two blocks counts once. */
function merged(a: readonly Neighbour[], b: readonly Neighbour[], k: number): readonly Neighbour[] {
  const known = new Set(a.map(({ id }) => id))
  return [...a, ...b.filter(({ id }) => !known.has(id))]
    .sort((x, y) => y.similarity - x.similarity || (x.id < y.id ? -1 : 1))
    .slice(0, k)
}

function shareFound(
  expected: readonly (readonly Neighbour[])[],
  found: readonly (readonly Neighbour[])[],
): number {
  const all = expected.reduce((sum, { length }) => sum + length, 0)
  const hits = expected.map((neighbours, query) => {
    const ids = new Set(found[query]?.map(({ id }) => id))
    return neighbours.filter(({ id }) => ids.has(id)).length
  })
  return hits.reduce((sum, count) => sum + count, 0) / all
}
