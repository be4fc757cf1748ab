/**
 * One spherical k-means pass (assignment and update) of ours, as one line of JSON; the peer is
 * `bench/peers/k_means.py`.
 *
 *     node bench/speed/k-means.ts [n] [dim] [k] [repeats]
 */
import { availableParallelism } from 'node:os'
import { kMeans } from '../../lib/cluster/k-means.ts'
import { type Engine, selectEngine } from '../../lib/engine/select.ts'
import { type Tensor2D, tf } from '../../lib/engine/tf.ts'

/** What a run measured. */
export interface KMeansSpeed {
  readonly bench: 'k-means'
  readonly library: string
  readonly threads: number
  readonly n: number
  readonly dim: number
  readonly k: number
  /** Median time of a pass, ms. */
  readonly passMs: number
}

/** Unit rows of a standard normal distribution. */
function randomRows(n: number, dim: number, seed: number): Tensor2D {
  return tf.tidy(() => {
    const rows = tf.randomNormal([n, dim], 0, 1, 'float32', seed) // [n, dim]
    return tf.div(rows, tf.norm(rows, 2, 1, true)) // [n, dim]
  })
}

/**
 * Times the passes of one long fit, each with its read of the figures.
 *
 * @param engine - The engine in use, for the report.
 */
export async function kMeansSpeed(
  engine: Engine,
  n = 100_000,
  dim = 128,
  k = 1_000,
  repeats = 21,
): Promise<KMeansSpeed> {
  const embeddings = randomRows(n, dim, 1)
  const centroids = tf.tidy(() => tf.transpose(tf.slice(embeddings, [0, 0], [k, dim]))) as Tensor2D
  const times: number[] = []
  let before = performance.now()
  // The first pass warms up; no pass may end the fit early.
  for await (const _ of kMeans(embeddings, centroids, {
    maxIterations: repeats + 1,
    tolerance: -1,
  })) {
    const now = performance.now()
    times.push(now - before)
    before = now
  }
  tf.dispose([embeddings, centroids])
  const passes = times.slice(1).sort((a, b) => a - b)
  const median = passes[Math.floor(passes.length / 2)] as number
  const library = `contrastream on ${engine.name}, ${engine.device}`
  const passMs = Math.round(median * 10) / 10
  return { bench: 'k-means', library, threads: availableParallelism(), n, dim, k, passMs }
}

if (import.meta.main) {
  const sizes = process.argv.slice(2).map(Number)
  console.log(JSON.stringify(await kMeansSpeed(await selectEngine('auto'), ...sizes)))
}
