import { describe, expect, it, onTestFinished } from 'vitest'
import { type Tensor2D, tf, type Variable } from '../../lib/engine/tf.ts'
import { type Objective, pairObjective } from '../../lib/learn/objective.ts'
import { trainStep } from '../../lib/learn/step.ts'
import { pairMasks } from '../../lib/loss/pairs.ts'
import { lossPresets } from '../../lib/loss/presets.ts'
import { type Adam, adam } from '../../lib/model/optimizer.ts'

const objective = pairObjective(lossPresets.calibrated)
const labels = Int32Array.of(0, 0, 1, 1)

/** Rows that are trained themselves, with an optimiser that decays them. */
function rowsInTraining(values: number[][]) {
  const rows = tf.variable(tf.tensor2d(values)) as Variable & Tensor2D
  const optimizer = adam([rows], { rate: 0.01, weightDecay: 0.1 })
  const masks = pairMasks(labels)
  onTestFinished(() => {
    rows.dispose()
    optimizer.dispose()
    tf.dispose([masks.positives, masks.negatives])
  })
  const embed = () => tf.div(rows, tf.norm(rows, 2, 1, true)) as Tensor2D
  const step = (by: Objective = objective, through: Adam = optimizer) =>
    trainStep(embed, masks, by, [rows], through, 0)
  return { rows, optimizer, step }
}

/** Two clusters that are mixed up. */
const mixed = [
  [1, 0.1, 0],
  [0, 1, 0.1],
  [1, 0, 0.2],
  [0.1, 1, 0],
]
/** Two clusters that are a right angle apart: no pair violates the margin. */
const apart = [
  [2, 0, 0],
  [3, 0, 0],
  [0, 2, 0],
  [0, 3, 0],
]

describe('trainStep', () => {
  it('lowers the loss step by step', async () => {
    const { step } = rowsInTraining(mixed)
    const first = await step()
    expect(first).toMatchObject({ stepped: true, valid: 1 })
    for (let i = 0; i < 20; i += 1) await step()
    expect((await step()).loss).toBeLessThan(first.loss)
  })

  it('moves nothing, neither weights nor moments, where no anchor is valid', async () => {
    const { rows, optimizer, step } = rowsInTraining(apart)
    const before = [await rows.data(), await optimizer.state()]
    expect(await step()).toMatchObject({ stepped: false, valid: 0 })
    expect([await rows.data(), await optimizer.state()]).toEqual(before)
    expect((await optimizer.state()).step).toBe(0)
  })

  it('keeps moments of earlier steps as they are where no anchor is valid', async () => {
    const { rows, optimizer, step } = rowsInTraining(mixed)
    await step()
    tf.tidy(() => rows.assign(tf.tensor2d(apart)))
    const before = await optimizer.state()
    expect(before.step).toBe(1)
    await step()
    expect(await optimizer.state()).toEqual(before)
    expect(Array.from(await rows.data())).toEqual(apart.flat())
  })

  it('moves nothing where the loss is not finite, and says so', async () => {
    const { rows, step } = rowsInTraining(mixed)
    const broken: Objective = {
      ...objective,
      loss: (...given) => {
        const result = objective.loss(...given)
        return { ...result, loss: tf.mul(result.loss, Number.NaN) }
      },
    }
    const before = await rows.data()
    expect(await step(broken)).toMatchObject({ loss: Number.NaN, stepped: false })
    expect(await rows.data()).toEqual(before)
  })

  it('reports the share of anchors that are valid', async () => {
    const { step } = rowsInTraining([
      [1, 0, 0, 0, 0],
      [1, 0, 0, 0, 0],
      [0, 1, 0, 0, 0],
      [0, 0, 1, 0, 0],
    ])
    expect((await step()).valid).toBe(0.5)
  })

  it('tells the objective the number of the step', async () => {
    const { rows, optimizer } = rowsInTraining(mixed)
    const masks = pairMasks(labels)
    const seen: number[] = []
    const by: Objective = {
      ...objective,
      loss: (anchors, pairs, step) => {
        seen.push(step)
        return objective.loss(anchors, pairs, step)
      },
    }
    await trainStep(() => rows as Tensor2D, masks, by, [rows], optimizer, 7)
    expect(seen).toEqual([7])
  })

  it('leaves no tensor behind, whether it stepped or not', async () => {
    for (const values of [mixed, apart]) {
      const { step } = rowsInTraining(values)
      await step()
      const before = tf.memory().numTensors
      await step()
      expect(tf.memory().numTensors).toBe(before)
    }
  })
})
