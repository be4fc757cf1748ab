import { describe, expect, it } from 'vitest'
import type { Matrix } from '../../lib/engine/matrix.ts'
import { randomStream } from '../../lib/engine/random.ts'
import { tf } from '../../lib/engine/tf.ts'
import { foldOnto, type Unfolded } from '../../lib/learn/fold.ts'
import { centreRows } from '../../lib/metric/centre.ts'
import { rotateRows } from '../../lib/metric/space-map.ts'
import { conv4 } from '../../lib/model/conv4.ts'
import { tinyIds, tinyPictures, tinySize } from './tiny.ts'

const dim = 8
const ids = tinyIds(10, 10)

/** A turn by products of plane rotations, row-major, shape [dim, dim]. */
function turn(seed: number): Float64Array {
  const random = randomStream(seed, 'turn')
  let rows: number[][] = Array.from({ length: dim }, (_, i) =>
    Array.from({ length: dim }, (_, j) => (i === j ? 1 : 0)),
  )
  for (let a = 0; a < dim; a += 1) {
    const b = (a + 1) % dim
    const angle = 6 * random.uniform()
    const [cos, sin] = [Math.cos(angle), Math.sin(angle)]
    rows = rows.map((row) =>
      row.map((value, j) => {
        if (j === a) return cos * value - sin * (row[b] as number)
        return j === b ? sin * (row[a] as number) + cos * value : value
      }),
    )
  }
  return Float64Array.from(rows.flat())
}

/** Largest difference of two matrices. */
const difference = (a: Matrix, b: Matrix) =>
  a.data.reduce((most, value, i) => Math.max(most, Math.abs(value - (b.data[i] as number))), 0)

async function candidate(): Promise<Unfolded> {
  const network = conv4({ size: tinySize, channels: 1, dim, seed: 2 })
  const embeddings = await tinyPictures().embed(network, ids)
  const { mean } = centreRows(embeddings)
  return { network, embeddings, mean, centroids: { ...embeddings, rows: 3 } }
}

const turnedChampion = ({ embeddings, mean }: Unfolded, rotation: Float64Array) => ({
  embeddings: rotateRows(embeddings, rotation),
  mean: rotateRows({ rows: 1, dim, data: mean }, rotation).data,
})

describe('foldOnto', () => {
  it('turns network, mean and centroids onto a champion that is a turned copy', async () => {
    const own = await candidate()
    const champion = turnedChampion(own, turn(1))
    const folded = await foldOnto(own, champion, 1)
    const embedded = await tinyPictures().embed(folded.network, ids)
    // Float32 weights and embeddings of a small network.
    expect(difference(embedded, champion.embeddings)).toBeLessThan(2e-4)
    const means = [folded.mean, champion.mean].map((data) => ({ rows: 1, dim, data }))
    expect(difference(means[0] as Matrix, means[1] as Matrix)).toBeLessThan(1e-4)
    const centroids = {
      ...champion.embeddings,
      rows: 3,
      data: champion.embeddings.data.slice(0, 3 * dim),
    }
    expect(difference(centroids, folded.centroids)).toBeLessThan(1e-4)
    expect(folded.report?.residual).toBeLessThan(1e-3)
    expect(folded.report?.overlap).toBeGreaterThan(0.99)
  })

  it('measures the residual as a root mean square', async () => {
    const own = await candidate()
    const champion = { embeddings: own.embeddings, mean: own.mean }
    const noise = randomStream(1, 'noise')
    const data = own.embeddings.data.map((value) => value + 0.01 * noise.normal())
    const noisy = { ...champion, embeddings: { ...own.embeddings, data } }
    const { report } = await foldOnto(own, noisy, 1)
    const from = centreRows(own.embeddings, own.mean).matrix.data
    const to = centreRows(noisy.embeddings, own.mean).matrix.data
    const squared = from.reduce((sum, value, i) => sum + (value - (to[i] as number)) ** 2, 0)
    // The fit turns a little with the noise, and a fifth of the pictures is measured.
    expect((report?.residual ?? 0) / Math.sqrt(squared / ids.length)).toBeGreaterThan(0.6)
    expect((report?.residual ?? 0) / Math.sqrt(squared / ids.length)).toBeLessThan(1.4)
  })

  it('leaves the network in training as it is', async () => {
    const own = await candidate()
    await foldOnto(own, turnedChampion(own, turn(1)), 1)
    const again = await tinyPictures().embed(own.network, ids)
    expect(difference(again, own.embeddings)).toBe(0)
  })

  it('copies the network unturned onto a champion of another width', async () => {
    const own = await candidate()
    const wide = { rows: ids.length, dim: 2 * dim, data: new Float32Array(ids.length * 2 * dim) }
    const champion = { embeddings: wide, mean: new Float32Array(2 * dim) }
    const folded = await foldOnto(own, champion, 1)
    expect(folded).toMatchObject({ report: undefined, mean: own.mean, centroids: own.centroids })
    expect(difference(await tinyPictures().embed(folded.network, ids), own.embeddings)).toBe(0)
    expect(folded.network).not.toBe(own.network)
  })

  it('frees all but the copy that it returns', async () => {
    const own = await candidate()
    const before = tf.memory().numTensors
    const folded = await foldOnto(own, turnedChampion(own, turn(1)), 1)
    folded.network.dispose()
    expect(tf.memory().numTensors).toBe(before)
  })
})
