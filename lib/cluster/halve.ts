import type { Random } from '../engine/random.ts'
import { type Tensor2D, tf } from '../engine/tf.ts'
import { converge } from './converge.ts'
import { seedCentroids } from './seeding.ts'

/** Mean squared distance to the mean below which members coincide. */
const coincident = 1e-6

/** Whether all members are one point: their variance is nothing. */
async function coincide(members: Tensor2D): Promise<boolean> {
  const variance = tf.tidy(() => {
    const mean = tf.mean(members, 0) // [dim]
    const square = tf.mean(tf.sum(tf.square(members), 1)) // []
    return tf.sub(square, tf.sum(tf.square(mean))) // []
  })
  const [distance = 0] = await variance.data()
  variance.dispose()
  return distance < coincident
}

/**
 * Cuts a set in two by 2-means, or at random where that leaves one half empty.
 *
 * @param members - Shape [n, dim], unit-norm rows, or zero ones, which have no direction.
 * @param random - Draws the seeds and the random halves.
 * @returns 0 or 1 for each row, shape [n], both present; `undefined` where all rows coincide:
 *   two labels on one picture would teach a contradiction.
 */
export async function halve(members: Tensor2D, random: Random): Promise<Int32Array | undefined> {
  const n = members.shape[0]
  if (n < 2 || (await coincide(members))) return undefined
  const seeds = await seedCentroids(members, 2, { seed: random.integer(2 ** 31) })
  const { labels, centroids } = await converge(members, seeds)
  tf.dispose([seeds, centroids])
  if (new Set(labels).size === 2) return labels
  return Int32Array.from(random.shuffled(Array.from({ length: n }, (_, i) => i % 2)))
}
