import { randomStream } from '../engine/random.ts'
import { type Tensor1D, type Tensor2D, tf } from '../engine/tf.ts'
import { InputError } from '../errors.ts'
import { defaultSeedingOptions, type SeedingOptions } from './options.ts'
import { sampleRows } from './sample-rows.ts'

/** Lets a draw from coinciding embeddings succeed; beside a real distance it has no weight. */
const leastWeight = 1e-7

/** Row of each of `draws` restarts, drawn with chances that follow `weights`. */
function drawRows(weights: Tensor2D, uniforms: readonly number[]): Tensor1D {
  return tf.tidy(() => {
    const [draws, n] = weights.shape
    const ladder = tf.cumsum(weights, 1) // [draws, n]
    const totals = tf.slice(ladder, [0, n - 1], [draws, 1]) // [draws, 1]
    const targets = tf.mul(totals, tf.tensor2d([...uniforms], [draws, 1])) // [draws, 1]
    const below = tf.sum(tf.cast(tf.lessEqual(ladder, targets), 'int32'), 1) // [draws]
    return tf.minimum(below, tf.scalar(n - 1, 'int32')) as Tensor1D // [draws]
  })
}

interface Draw {
  /** The row just drawn in each restart, shape [draws], int32. */
  readonly rows: Tensor1D
  /** Similarity of each embedding to its nearest seed, shape [draws, n]. */
  readonly nearest: Tensor2D
}

/** All restarts side by side: one product serves them all, and no number leaves the engine. */
function drawNext(
  embeddings: Tensor2D,
  columns: Tensor2D,
  nearest: Tensor2D | undefined,
  uniforms: readonly number[],
): Draw {
  return tf.tidy(() => {
    const weights = nearest
      ? tf.add(tf.relu(tf.sub(1, nearest)), leastWeight) // [draws, n]
      : tf.ones([uniforms.length, embeddings.shape[0]]) // [draws, n]
    const rows = drawRows(weights as Tensor2D, uniforms) // [draws]
    const seeds = tf.gather(embeddings, rows) // [draws, dim]
    const similarities = tf.matMul(seeds, columns) as Tensor2D // [draws, n]
    return { rows, nearest: tf.maximum(similarities, nearest ?? similarities) as Tensor2D }
  })
}

/** The rows of the best restart's seeds, and nothing left on the engine. */
async function drawSeeds(embeddings: Tensor2D, k: number, seed: number, restarts: number) {
  const random = randomStream(seed, 'seeding')
  const columns = tf.transpose(embeddings) as Tensor2D // [dim, n]
  const drawn: Tensor1D[] = []
  let nearest: Tensor2D | undefined
  for (let i = 0; i < k; i += 1) {
    const uniforms = Array.from({ length: restarts }, () => random.uniform())
    const draw = drawNext(embeddings, columns, nearest, uniforms)
    nearest?.dispose()
    nearest = draw.nearest
    drawn.push(draw.rows)
  }
  const [rows, inertia] = tf.tidy(() => [
    tf.stack(drawn), // [k, restarts]
    tf.sum(tf.sub(1, nearest as Tensor2D), 1), // [restarts]
  ])
  tf.dispose([columns, ...drawn, nearest as Tensor2D])
  const [all, potentials] = await Promise.all([rows.data(), inertia.data()])
  tf.dispose([rows, inertia])
  const best = potentials.indexOf(Math.min(...potentials))
  return Int32Array.from({ length: k }, (_, i) => all[i * restarts + best] as number)
}

/**
 * First centroids by k-means++: each next seed is drawn with a chance proportional to one minus
 * its similarity to the nearest seed so far.
 *
 * Draws from a random subsample; of `restarts` draws the one whose seeds lie nearest to the
 * subsample is kept. The same input, options and engine give the same seeds.
 *
 * @param embeddings - Shape [n, dim], float32, unit-norm rows.
 * @param k - Number of centroids, 1 ≤ k ≤ n.
 * @param options - See {@link SeedingOptions}.
 * @returns Centroids, shape [dim, k], columns are embeddings. The caller disposes it.
 * @throws {@link InputError} if k is outside [1, n].
 * @see Arthur, Vassilvitskii (2007), k-means++: the advantages of careful seeding.
 */
export async function seedCentroids(
  embeddings: Tensor2D,
  k: number,
  options: SeedingOptions = {},
): Promise<Tensor2D> {
  const n = embeddings.shape[0]
  if (!Number.isInteger(k) || k < 1 || k > n) {
    throw new InputError(`seedCentroids: k must be an integer in [1, ${n}], got ${k}`)
  }
  const { seed, restarts, minSample, samplePerCluster } = { ...defaultSeedingOptions, ...options }
  const sample = sampleRows(embeddings, Math.max(minSample, samplePerCluster * k), seed)
  const rows = await drawSeeds(sample, k, seed, restarts)
  return tf.tidy(() => {
    const seeds = tf.gather(sample, tf.tensor1d(rows, 'int32')) // [k, dim]
    sample.dispose()
    return tf.transpose(seeds) as Tensor2D // [dim, k]
  })
}
