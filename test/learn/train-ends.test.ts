import { describe, expect, it } from 'vitest'
import { tf } from '../../lib/engine/tf.ts'
import { type Objective, pairObjective } from '../../lib/learn/objective.ts'
import type { TrainingProgress } from '../../lib/learn/train.ts'
import { lossPresets } from '../../lib/loss/presets.ts'
import { n, run, trainee } from './head-run.ts'

const plain = pairObjective(lossPresets.calibrated)
/** The pair loss, changed by `change` from step `from` on. */
const objectiveFrom = (
  from: number,
  change: (result: ReturnType<Objective['loss']>) => typeof result,
): Objective => ({
  ...plain,
  loss: (anchors, masks, step) => {
    const result = plain.loss(anchors, masks, step)
    return step < from ? result : change(result)
  },
})
const satisfied = (from: number) =>
  objectiveFrom(from, (result) => ({ ...result, valid: tf.zerosLike(result.valid) }))

describe('the end of train', () => {
  it('ends at its steps, and clusters again on the way', async () => {
    const outcome = await run(trainee())
    expect(outcome).toMatchObject({ ended: 'steps', steps: 6, skipped: 0 })
    expect(outcome.clusterings).toHaveLength(2)
    expect(outcome.optimizer.step).toBe(6)
    expect(outcome.valid).toBeGreaterThan(0)
  })

  it('ends in time, and says so', async () => {
    let now = 0
    const hooks = { now: () => (now += 10) }
    const outcome = await run(trainee(), { hooks, settings: { maxRoundTimeMs: 25, steps: 50 } })
    expect(outcome).toMatchObject({ ended: 'time', steps: 2 })
  })

  it('ends when two labellings in a row have nothing left to teach', async () => {
    const settings = { steps: 500, recluster: 60 }
    const outcome = await run(trainee(), { settings, objective: satisfied(0) })
    expect(outcome).toMatchObject({ ended: 'nothing-left', steps: 100, skipped: 100 })
    expect(outcome.clusterings).toHaveLength(2)
    expect(outcome.optimizer.step).toBe(0)
  })

  it('goes on when the second labelling has something to teach', async () => {
    const quietAtFirst: Objective = {
      ...plain,
      loss: (anchors, masks, step) => (step < 50 ? satisfied(0) : plain).loss(anchors, masks, step),
    }
    const settings = { steps: 120, recluster: 60 }
    const outcome = await run(trainee(), { settings, objective: quietAtFirst })
    expect(outcome).toMatchObject({ ended: 'steps', steps: 120 })
    expect(outcome.skipped).toBeGreaterThanOrEqual(50)
  })

  it('counts vectors without a direction as a collapse', async () => {
    const one = trainee()
    one.restore((await one.snapshot()).map((values) => values.fill(0)))
    expect(await run(one)).toMatchObject({ ended: 'collapse', steps: 0 })
  })

  it('ends at a collapse of the embeddings, before the next labels', async () => {
    const one = trainee()
    const narrow = (await one.snapshot()).map((values, i) => (i === 1 ? values.fill(1e3) : values))
    const report = ({ phase, step }: TrainingProgress) => {
      if (phase === 'train' && step === 3) one.restore(narrow)
    }
    expect(await run(one, { hooks: { report } })).toMatchObject({ ended: 'collapse', steps: 3 })
  })

  it('ends before the first step where the embeddings are collapsed already', async () => {
    const one = trainee()
    one.restore((await one.snapshot()).map((values, i) => (i === 1 ? values.fill(1e3) : values)))
    expect(await run(one)).toMatchObject({ ended: 'collapse', steps: 0 })
  })

  it('ends at a loss or at embeddings that are not finite', async () => {
    const broken = objectiveFrom(2, (result) => ({
      ...result,
      loss: tf.mul(result.loss, Number.NaN),
    }))
    expect(await run(trainee(), { objective: broken })).toMatchObject({
      ended: 'not-finite',
      steps: 2,
    })
    const one = trainee()
    one.restore((await one.snapshot()).map((values) => values.fill(Number.NaN)))
    expect(await run(one)).toMatchObject({ ended: 'not-finite', steps: 0 })
  })

  it('ends without a step where fewer than two clusters are left', async () => {
    const outcome = await run(trainee(), { labels: new Int32Array(n) })
    expect(outcome).toMatchObject({ ended: 'no-clusters', steps: 0 })
  })

  it('stops at once when it is aborted, with the reason given', async () => {
    const abort = new AbortController()
    let last = 0
    const report = ({ step }: TrainingProgress) => {
      last = step
      if (step === 2) abort.abort(new Error('shut down'))
    }
    const hooks = { report, signal: abort.signal }
    await expect(run(trainee(), { hooks })).rejects.toThrow('shut down')
    expect(last).toBe(2)
  })
})
