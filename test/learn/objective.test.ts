import { expect, it } from 'vitest'
import { type Tensor2D, tf } from '../../lib/engine/tf.ts'
import { adaptiveObjective, pairObjective } from '../../lib/learn/objective.ts'
import { adaptiveThresholds } from '../../lib/loss/adaptive.ts'
import { cosines } from '../../lib/loss/cosines.ts'
import { pairLoss } from '../../lib/loss/pair-loss.ts'
import { pairMasks } from '../../lib/loss/pairs.ts'
import { lossPresets } from '../../lib/loss/presets.ts'

const params = lossPresets.calibrated

/** Unit rows, six of them, shape [6, 4]. */
const anchors = (seed: number): Tensor2D =>
  tf.tidy(() => {
    const rows = tf.randomNormal([6, 4], 0, 1, 'float32', seed) // [6, 4]
    return tf.div(rows, tf.norm(rows, 2, 1, true)) as Tensor2D
  })
const masks = () => pairMasks(Int32Array.of(0, 0, 1, 1, 2, 2))

const lossOf = async (result: { readonly loss: { data(): Promise<ArrayLike<number>> } }) =>
  (await result.loss.data())[0] as number

it('minimises the pair loss of the batch against itself', async () => {
  const [rows, { positives, negatives }] = [anchors(1), masks()]
  const expected = await lossOf(pairLoss(rows, rows, positives, negatives, params))
  expect(expected).toBeGreaterThan(0)
  const objective = pairObjective(params)
  expect(await lossOf(objective.loss(rows, { positives, negatives }, 0))).toBe(expected)
})

it('lets thresholds follow the batches before', async () => {
  const pairs = masks()
  const { positives, negatives } = pairs
  const objective = adaptiveObjective(params)
  let state: ReturnType<typeof adaptiveThresholds>['state'] | undefined
  for (const seed of [1, 2, 3]) {
    const rows = anchors(seed)
    const next = adaptiveThresholds(cosines(rows, rows), positives, negatives, params, state)
    state = next.state
    const expected = await lossOf(pairLoss(rows, rows, positives, negatives, next.params))
    expect(await lossOf(objective.loss(rows, pairs, seed))).toBeCloseTo(expected, 5)
  }
  objective.dispose()
})

it('holds one small state at most, and frees it', () => {
  const [rows, pairs] = [anchors(1), masks()]
  const objective = adaptiveObjective(params)
  const before = tf.memory().numTensors
  for (const step of [0, 1, 2]) tf.dispose(objective.loss(rows, pairs, step))
  expect(tf.memory().numTensors).toBe(before + 1)
  objective.dispose()
  expect(tf.memory().numTensors).toBe(before)
})
