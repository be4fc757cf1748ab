import { describe, expect, it } from 'vitest'
import { type Tensor, type Tensor2D, tf } from '../../lib/engine/tf.ts'
import type { PairLossParams } from '../../lib/loss/options.ts'
import { pairLoss } from '../../lib/loss/pair-loss.ts'
import { pairMasks } from '../../lib/loss/pairs.ts'
import { lossPresets } from '../../lib/loss/presets.ts'
import { blockLabels, tensor, unitRows } from './support.ts'

const { calibrated, paper } = lossPresets
const labels = blockLabels(15, 8)

/** Stated for 2,000 steps; every figure stands still from here on, to five digits. */
const steps = 200

const onSphere = (rows: Tensor): Tensor2D => tf.div(rows, tf.norm(rows, 2, 1, true))

/** Trains free embeddings, and returns their loss, mean similarities and least margin. */
async function settle(params: PairLossParams, shift: number) {
  const { positives, negatives } = pairMasks(Int32Array.from(labels))
  const loss = (x: Tensor2D) => pairLoss(x, x, positives, negatives, params)
  const x = tf.variable(tensor(unitRows(120, 64, 1, shift)))
  const adam = tf.train.adam(1e-2)
  for (let step = 0; step < steps; step += 1) {
    tf.tidy(() => {
      adam.minimize(() => loss(onSphere(x)).loss, false, [x])
      x.assign(onSphere(x))
    })
  }
  const figures = tf.tidy(() => {
    const rows = onSphere(x)
    const s = tf.matMul(rows, tf.transpose(rows)) // [120, 120]
    const mean = (mask: Tensor) => tf.div(tf.sum(tf.mul(s, mask)), tf.sum(mask))
    const least = tf.min(tf.add(s, tf.mul(tf.sub(1, positives), 9)), 1) // [120]
    const most = tf.max(tf.sub(s, tf.mul(tf.sub(1, negatives), 9)), 1) // [120]
    const { loss: value, valid } = loss(rows)
    const gap = tf.min(tf.sub(least, most))
    return tf.stack([value, tf.mean(valid), mean(positives), mean(negatives), gap])
  })
  const [value, valid, meanP, meanN, margin] = (await figures.data()) as unknown as number[]
  return { value, valid, meanP, meanN, margin } as Record<string, number>
}

const randomStart = 0
const narrowCone = 1

describe('free embeddings', () => {
  it.each([
    ['a random start', randomStart],
    ['a narrow cone', narrowCone],
  ])('settle under the paper at the same level from %s', async (_, shift) => {
    const { valid, meanP, meanN } = await settle(paper, shift)
    expect(meanP).toBeGreaterThanOrEqual(0.999)
    expect(Math.abs((meanN as number) - 0.905)).toBeLessThanOrEqual(0.003)
    expect(valid).toBe(1)
  })

  it('do not get there with a mean in place of the sum', async () => {
    const { value, meanN } = await settle({ ...paper, reduction: 'mean' }, randomStart)
    expect(Math.abs(meanN as number)).toBeLessThan(0.05)
    expect(value).toBe(0)
  })

  it.each([
    ['a random start', randomStart],
    ['a narrow cone', narrowCone],
  ])(
    'clear the margin under the default from %s, and nothing is left to learn',
    async (_, shift) => {
      const { value, valid, margin } = await settle(calibrated, shift)
      expect([value, valid]).toEqual([0, 0])
      expect(margin).toBeGreaterThanOrEqual(calibrated.margin)
    },
  )
})
