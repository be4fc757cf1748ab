import { randomStream } from '../engine/random.ts'
import { type Tensor2D, tf } from '../engine/tf.ts'

/**
 * A random part of the rows, without repeats, or a second handle on all of them.
 *
 * @param embeddings - Shape [n, dim].
 * @param size - Rows wanted, ≥ 1.
 * @param seed - Seed of the draw; the same one draws the same rows.
 * @returns Shape [min(size, n), dim]. The caller disposes it.
 */
export function sampleRows(embeddings: Tensor2D, size: number, seed: number): Tensor2D {
  const n = embeddings.shape[0]
  if (size >= n) return tf.clone(embeddings)
  const all = Array.from({ length: n }, (_, i) => i)
  const rows = randomStream(seed, 'sample').shuffled(all).slice(0, size)
  return tf.tidy(() => tf.gather(embeddings, tf.tensor1d(rows, 'int32'))) // [size, dim]
}
