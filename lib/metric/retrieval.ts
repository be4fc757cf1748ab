import type { Matrix } from '../engine/matrix.ts'
import { ConfigError } from '../errors.ts'
import { type Classes, classesOf } from './classes.ts'
import { hitList, hitScratch } from './hit-list.ts'
import { defaultRetrievalOptions, type RetrievalOptions } from './options.ts'
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
  const queries = row.length
  const scores = {
    mapAtR: new Float32Array(queries),
    rPrecision: new Float64Array(queries),
    before: new Float64Array(queries),
  }
  const scratch = hitScratch(mostPositives(classes))
  const depth = Math.max(1, ...ks)
  let query = 0
  for await (const block of similarityBlocks(embeddings, embeddings, blockOptions)) {
    while (query < queries && (row[query] as number) < block.first + block.rows) {
      const self = row[query] as number
      const c = classes.of[self] as number
      const members = classes.rows.subarray(classes.starts[c], classes.starts[c + 1])
      const start = (self - block.first) * embeddings.rows
      const similarities = block.similarities.subarray(start, start + embeddings.rows)
      const hits = hitList(similarities, self, members, depth, scratch)
      scores.mapAtR[query] = hits.mapAtR
      scores.rPrecision[query] = hits.rPrecision
      scores.before[query] = hits.before
      query += 1
    }
  }
  const share = (k: number) => scores.before.reduce((n, b) => n + Number(b < k), 0) / queries
  const mean = (values: Iterable<number>) => [...values].reduce((a, b) => a + b, 0) / queries
  return {
    recallAt: Object.fromEntries(ks.map((k) => [k, share(k)])),
    mapAtR: mean(scores.mapAtR),
    rPrecision: mean(scores.rPrecision),
    queries,
    leftOut: embeddings.rows - queries,
    perQuery: {
      row,
      mapAtR: scores.mapAtR,
      recallAt1: Float32Array.from(scores.before, (b) => Number(b < 1)),
    },
  }
}
