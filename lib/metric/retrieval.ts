import type { Matrix } from '../engine/matrix.ts'
import { ConfigError } from '../errors.ts'
import { type Classes, classesOf } from './classes.ts'
import { type HitScratch, hitList, hitScratch } from './hit-list.ts'
import { type BlockOptions, defaultRetrievalOptions, type RetrievalOptions } from './options.ts'
import { expectLength } from './rows.ts'
import { similarityBlocks } from './similarity-blocks.ts'

/** How well images find the others of their class. */
export interface Retrieval {
  /** Share of queries with a positive among the first K, for each K asked for. */
  readonly recallAt: Readonly<Record<number, number>>
  /** The headline: mean over queries of average precision within the first R ranks. */
  readonly mapAtR: number
  /** Mean over queries of the share of positives among the first R ranks. */
  readonly rPrecision: number
  /** Rows with another one of their class. With none of them the means are NaN. */
  readonly queries: number
  /** Rows alone in their class: no query, but part of the gallery. */
  readonly leftOut: number
  /** The same per query, in the order of rows, for paired comparison; shape [queries] each. */
  readonly perQuery: {
    readonly row: Int32Array
    readonly mapAtR: Float32Array
    /** 0 or 1. */
    readonly recallAt1: Float32Array
  }
}

/** Most positives that a query has; R of the class with most rows. */
function mostPositives({ count, starts }: Classes): number {
  let most = 0
  for (let c = 0; c < count; c += 1) {
    most = Math.max(most, (starts[c + 1] as number) - (starts[c] as number) - 1)
  }
  return most
}

/** Rows that have a positive. */
function queriesOf({ of, starts }: Classes): Int32Array {
  const hasOthers = (c: number) => (starts[c + 1] as number) - (starts[c] as number) > 1
  return Int32Array.from([...of.keys()].filter((row) => hasOthers(of[row] as number)))
}

/** Figures of each query, in the order of `row`. */
interface Scores {
  readonly mapAtR: Float32Array
  readonly rPrecision: Float64Array
  /** Negatives before the best positive, see {@link HitList}. */
  readonly before: Float64Array
}

/** Ranks the queries block by block; `depth` is the largest K. */
async function scoresOf(
  embeddings: Matrix,
  { of, rows, starts }: Classes,
  row: Int32Array,
  scratch: HitScratch,
  { depth, ...options }: BlockOptions & { readonly depth: number },
): Promise<Scores> {
  const { length } = row
  const mapAtR = new Float32Array(length)
  const rPrecision = new Float64Array(length)
  const before = new Float64Array(length)
  const n = embeddings.rows
  let query = 0
  for await (const block of similarityBlocks(embeddings, embeddings, options)) {
    for (; query < length && (row[query] as number) < block.first + block.rows; query += 1) {
      const self = row[query] as number
      const label = of[self] as number
      const start = (self - block.first) * n
      const similarities = block.similarities.subarray(start, start + n) // [n]
      const members = rows.subarray(starts[label], starts[label + 1])
      const hits = hitList(similarities, self, members, depth, scratch)
      mapAtR[query] = hits.mapAtR
      rPrecision[query] = hits.rPrecision
      before[query] = hits.before
    }
  }
  return { mapAtR, rPrecision, before }
}

function meanOf(values: Float32Array | Float64Array): number {
  let sum = 0
  for (const value of values) sum += value
  return sum / values.length
}

/**
 * Recall@K, MAP@R and R-precision of every row against all others, in one pass.
 *
 * Self is excluded by index; at ties negatives rank first, so a collapsed embedding scores 0.
 * Rankings do not depend on `chunkBytes`, to the bit. Memory beside the arguments: 8·n·dim for
 * the gallery, 2·`chunkBytes` for similarities, 8·max R for the row in work, 12 bytes a query for
 * the result. No n × n matrix and no full sort.
 *
 * @param embeddings - Shape [n, dim]; compared by cosine, so rows need not have unit norm.
 * @param labels - Class of each row, any integers, shape [n].
 * @throws {@link ShapeError} if the lengths differ; {@link ConfigError} if a K is no integer ≥ 1;
 *   {@link InputError} if a number is not finite.
 * @see Musgrave, Belongie, Lim: A Metric Learning Reality Check (2020), section 3.2: MAP@R.
 */
export async function retrieval(
  embeddings: Matrix,
  labels: Int32Array,
  options: RetrievalOptions = {},
): Promise<Retrieval> {
  const { ks, ...blockOptions } = { ...defaultRetrievalOptions, ...options }
  expectLength('retrieval', 'labels', labels.length, embeddings.rows)
  const wrong = ks.find((k) => !Number.isInteger(k) || k < 1)
  if (wrong !== undefined) {
    throw new ConfigError(`retrieval: ks must be integers of at least 1, got ${wrong}`)
  }
  const classes = classesOf(labels)
  const row = queriesOf(classes)
  const scratch = hitScratch(mostPositives(classes))
  const depth = Math.max(1, ...ks)
  const scores = await scoresOf(embeddings, classes, row, scratch, { ...blockOptions, depth })
  const found = (k: number) => Float32Array.from(scores.before, (before) => Number(before < k))
  return {
    recallAt: Object.fromEntries(ks.map((k) => [k, meanOf(found(k))])),
    mapAtR: meanOf(scores.mapAtR),
    rPrecision: meanOf(scores.rPrecision),
    queries: row.length,
    leftOut: embeddings.rows - row.length,
    perQuery: { row, mapAtR: scores.mapAtR, recallAt1: found(1) },
  }
}
