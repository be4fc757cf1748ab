/**
 * Exact search, one query and sixteen at a time, as one line of JSON; the peer is
 * `bench/peers/search.py`, which reads the same rows when they are written to a file.
 *
 *     node bench/speed/search.ts [n] [dim] [k] [seconds] [file]
 */
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import type { Matrix } from '../../lib/engine/matrix.ts'
import { randomStream } from '../../lib/engine/random.ts'
import { type Engine, selectEngine } from '../../lib/engine/select.ts'
import { exactIndex } from '../../lib/search/exact-index.ts'

/** What a run measured. */
export interface SearchSpeed {
  readonly bench: 'search'
  readonly library: string
  readonly threads: number
  readonly n: number
  readonly dim: number
  readonly k: number
  /** Median time of one query alone, and of a batch of sixteen, ms. */
  readonly oneMs: number
  readonly batchMs: number
  /** Shortest of both: what the machine can do while nobody else works. */
  readonly leastOneMs: number
  readonly leastBatchMs: number
  /** Queries whose ids were compared with a scan in float64, and those that differ. */
  readonly compared: number
  readonly different: number
}

const batch = 16
const queryRows = 256
const stamp = { version: 'v1-0123456789ab', preprocessingHash: 'bench' }

/** Unit rows; the last hundredth repeats the first rows, so that some neighbours tie. */
function unitRows(n: number, dim: number, name: string): Matrix {
  const random = randomStream(1, name)
  const data = new Float32Array(n * dim)
  for (let row = 0; row < n; row += 1) {
    const values = Array.from({ length: dim }, () => random.normal())
    const norm = Math.hypot(...values)
    data.set(
      values.map((value) => value / norm),
      row * dim,
    )
  }
  data.copyWithin((n - Math.floor(n / 100)) * dim, 0, Math.floor(n / 100) * dim)
  return { rows: n, dim, data }
}

const rowOf = ({ dim, data }: Matrix, row: number): Float32Array =>
  data.subarray(row * dim, (row + 1) * dim)

/** Ids of the k nearest by a scan in float64, ties to the smaller id. */
function scan(ids: readonly string[], rows: Matrix, query: Float32Array, k: number): string[] {
  const similarities = Float64Array.from(ids, (_, row) =>
    rowOf(rows, row).reduce((sum, value, i) => sum + value * (query[i] as number), 0),
  )
  const similarity = (row: number) => similarities[row] as number
  return [...ids.keys()]
    .sort(
      (a, b) => similarity(b) - similarity(a) || ((ids[a] as string) < (ids[b] as string) ? -1 : 1),
    )
    .slice(0, k)
    .map((row) => ids[row] as string)
}

/**
 * Times searches for a while, after one of each that warms up, and compares ids with a scan.
 *
 * @param engine - The engine in use, for the report.
 * @param seconds - How long each of both is timed.
 * @param file - Where to leave rows and queries, float32, for a peer.
 */
export async function searchSpeed(
  engine: Engine,
  n = 50_000,
  dim = 128,
  k = 10,
  seconds = 5,
  file?: string,
): Promise<SearchSpeed> {
  const rows = unitRows(n, dim, 'rows')
  const queries = unitRows(queryRows, dim, 'queries')
  if (file !== undefined) {
    writeFileSync(file, rows.data)
    writeFileSync(file, queries.data, { flag: 'a' })
  }
  const ids = Array.from({ length: n }, (_, i) => createHash('sha256').update(`${i}`).digest('hex'))
  const index = exactIndex(stamp, dim, { maxVectors: n })
  index.add({ ...stamp, ids, vectors: rows })

  const ask = async (first: number, count: number) => {
    const data = queries.data.slice(first * dim, (first + count) * dim)
    return index.search({ ...stamp, vectors: { rows: count, dim, data } }, k)
  }
  const timed = async (count: number): Promise<number[]> => {
    for (let i = 0; i < 20; i += 1) await ask(i % (queryRows - count), count)
    const times: number[] = []
    const end = performance.now() + 1_000 * seconds
    for (let first = 0; performance.now() < end; first = (first + count) % (queryRows - count)) {
      const start = performance.now()
      await ask(first, count)
      times.push(performance.now() - start)
    }
    return times.sort((a, b) => a - b)
  }
  const one = await timed(1)
  const many = await timed(batch)

  const compared = Math.min(100, queryRows)
  const found = await ask(0, compared)
  const isSame = (query: number): boolean => {
    const expected = scan(ids, rows, rowOf(queries, query), k)
    return expected.every((id, i) => id === found[query]?.[i]?.id)
  }
  const different = found.filter((_, query) => !isSame(query)).length
  index.dispose()

  const rounded = (ms: number | undefined) => Math.round((ms ?? 0) * 1_000) / 1_000
  return {
    bench: 'search',
    library: `contrastream on ${engine.name}, ${engine.device}`,
    threads: availableParallelism(),
    n,
    dim,
    k,
    oneMs: rounded(one[Math.floor(one.length / 2)]),
    batchMs: rounded(many[Math.floor(many.length / 2)]),
    leastOneMs: rounded(one[0]),
    leastBatchMs: rounded(many[0]),
    compared,
    different,
  }
}

if (import.meta.main) {
  const [n, dim, k, seconds] = process.argv.slice(2, 6).map(Number)
  const engine = await selectEngine('auto')
  console.log(JSON.stringify(await searchSpeed(engine, n, dim, k, seconds, process.argv[6])))
}
