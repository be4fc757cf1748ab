import { beforeAll, expect, it } from 'vitest'
import { cluster } from '../../lib/cluster/cluster.ts'
import { trustImages } from '../../lib/cluster/trust.ts'
import { selectEngine } from '../../lib/engine/select.ts'
import { tf } from '../../lib/engine/tf.ts'
import { blobs, toMatrix } from './blobs.ts'
import { expectSound } from './expect-sound.ts'

const small = toMatrix(blobs(150, 8, 5, 1).rows)
const large = toMatrix(blobs(2_100, 8, 12, 1).rows) // more than ml-kmeans is given

beforeAll(async () => {
  await selectEngine('wasm')
  expect(tf.getBackend()).toBe('wasm')
})

it('clusters soundly on wasm, one cluster included', async () => {
  for (const [matrix, k] of [
    [small, 1],
    [small, 12],
    [large, 30],
  ] as const) {
    const before = tf.memory().numTensors
    expectSound(matrix, await cluster(matrix, { k }))
    expect(tf.memory().numTensors).toBe(before)
  }
})

it('makes one cluster of equal images on wasm', async () => {
  const equal = toMatrix(Array.from({ length: 30 }, () => [0.6, 0.8]))
  const { k, similarity, margin } = await cluster(equal, { k: 8 })
  expect(k).toBe(1)
  expect([...similarity, ...margin].every(Number.isFinite)).toBe(true)
})

it('trusts most images on wasm', async () => {
  const trusted = trustImages(await cluster(large, { k: 30 })).reduce((sum, one) => sum + one, 0)
  expect(trusted / 2_100).toBeGreaterThan(0.75)
})

it('carries labels over on wasm', async () => {
  const { labels } = await cluster(large, { k: 30 })
  const warm = await cluster(large, { k: 30, initialLabels: labels })
  expectSound(large, warm)
  const kept = warm.labels.filter((label, i) => label === labels[i]).length
  expect(kept / 2_100).toBeGreaterThan(0.9) // a few images still move on
})
