/**
 * Recall@K, MAP@R and R-precision of one embedding, as one line of JSON; the peer is
 * `bench/peers/map_at_r.py`, which reads the same rows when they are written to a file.
 *
 *     node bench/speed/map-at-r.ts [n] [dim] [classes] [repeats] [file]
 */
import { writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import type { Matrix } from '../../lib/engine/matrix.ts'
import { randomStream } from '../../lib/engine/random.ts'
import { type Engine, selectEngine } from '../../lib/engine/select.ts'
import { retrieval } from '../../lib/metric/retrieval.ts'

/** What a run measured. */
export interface RetrievalSpeed {
  readonly bench: 'map-at-r'
  readonly library: string
  readonly threads: number
  readonly n: number
  readonly dim: number
  readonly classes: number
  /** Median time of all three figures, ms. */
  readonly ms: number
  readonly mapAtR: number
  readonly recallAt1: number
}

/** Unit rows around one random centre a class; row i belongs to class i mod classes. */
function clusteredRows(n: number, dim: number, classes: number): Matrix {
  const random = randomStream(1, 'map-at-r')
  const centres = Float32Array.from({ length: classes * dim }, () => random.normal())
  const data = new Float32Array(n * dim)
  for (let row = 0; row < n; row += 1) {
    const values = Array.from(
      { length: dim },
      (_, i) => (centres[(row % classes) * dim + i] as number) + 2 * random.normal(),
    )
    const norm = Math.hypot(...values)
    values.forEach((value, i) => {
      data[row * dim + i] = value / norm
    })
  }
  return { rows: n, dim, data }
}

/**
 * Times whole evaluations; one more warms up.
 *
 * @param engine - The engine in use, for the report.
 * @param file - Where to leave the rows, float32, for a peer.
 */
export async function retrievalSpeed(
  engine: Engine,
  n = 20_000,
  dim = 128,
  classes = 200,
  repeats = 5,
  file?: string,
): Promise<RetrievalSpeed> {
  const rows = clusteredRows(n, dim, classes)
  if (file !== undefined) writeFileSync(file, rows.data)
  const labels = Int32Array.from({ length: n }, (_, i) => i % classes)
  const { mapAtR, recallAt } = await retrieval(rows, labels)
  const times: number[] = []
  for (let i = 0; i < repeats; i += 1) {
    const start = performance.now()
    await retrieval(rows, labels)
    times.push(performance.now() - start)
  }
  const median = times.sort((a, b) => a - b)[Math.floor(repeats / 2)] as number
  return {
    bench: 'map-at-r',
    library: `contrastream on ${engine.name}, ${engine.device}`,
    threads: availableParallelism(),
    n,
    dim,
    classes,
    ms: Math.round(median),
    mapAtR,
    recallAt1: recallAt[1] as number,
  }
}

if (import.meta.main) {
  const [n, dim, classes, repeats] = process.argv.slice(2, 6).map(Number)
  const engine = await selectEngine('auto')
  const measured = await retrievalSpeed(engine, n, dim, classes, repeats, process.argv[6])
  console.log(JSON.stringify(measured))
}
