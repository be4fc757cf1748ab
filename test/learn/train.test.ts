import { describe, expect, it } from 'vitest'
import { tf } from '../../lib/engine/tf.ts'
import type { TrainingProgress } from '../../lib/learn/train.ts'
import type { Trainee } from '../../lib/learn/trainee.ts'
import { labels, run, trainee } from './head-run.ts'

describe('train', () => {
  it('lowers the loss on labels that are given, without clustering', async () => {
    const one = trainee()
    const [before, after] = [
      await run(one, { labels, settings: { steps: 1 } }),
      await run(one, { labels, settings: { steps: 100, recluster: 100, rate: 0.01 } }),
    ]
    expect(after.loss).toBeLessThan(0.8 * before.loss)
    expect(after.clusterings).toEqual([])
  })

  it('shows that it is alive within each clustering', async () => {
    const beats: TrainingProgress['phase'][] = []
    let phase: TrainingProgress['phase'] = 'embed'
    await run(trainee(), {
      hooks: {
        report: (progress) => {
          phase = progress.phase
        },
        alive: () => beats.push(phase),
      },
    })
    expect(new Set(beats)).toEqual(new Set(['cluster']))
    expect(beats.length).toBeGreaterThan(2)
  })

  it('goes back to the best monitored weights where the last are clearly worse', async () => {
    const one = trainee()
    const looks: Float32Array[][] = []
    const scores = [0.5, 0.9, 0.87, 0.85]
    const score = async () => {
      looks.push(await one.snapshot())
      return new Float32Array(9).fill(scores[looks.length - 1] as number)
    }
    const outcome = await run(one, {
      hooks: { monitor: { every: 2, score } },
      settings: { steps: 7 },
    })
    const told = [2, 4, 6, 7].map((step, i) => ({ step, score: expect.closeTo(scores[i] ?? 0) }))
    expect(outcome.monitored).toEqual(told)
    expect(await one.snapshot()).toEqual(looks[1])
    expect(looks[3]).not.toEqual(looks[1])
  })

  it('keeps the last weights where they are nearly as good as the best', async () => {
    const one = trainee()
    const looks: Float32Array[][] = []
    const score = async () => {
      looks.push(await one.snapshot())
      return new Float32Array(9).fill(looks.length === 1 ? 0.9 : 0.89)
    }
    await run(one, { hooks: { monitor: { every: 3, score } } })
    expect(looks).toHaveLength(2)
    expect(await one.snapshot()).toEqual(looks[1])
  })

  it('ends at the weights of the teacher where there is one', async () => {
    const [own, averaged] = [trainee(), trainee()]
    const start = await own.snapshot()
    await run(own, { labels })
    await run(averaged, { labels, settings: { teacherDecay: 0.99 } })
    const distance = async (one: Trainee) => {
      const now = await one.snapshot()
      return Math.hypot(...(now[0] as Float32Array).map((v, i) => v - (start[0]?.[i] as number)))
    }
    expect(await distance(averaged)).toBeGreaterThan(0)
    expect(await distance(averaged)).toBeLessThan(0.1 * (await distance(own)))
  })

  it('takes shorter steps towards the end of a round', async () => {
    const lengths = async (cooldown: number) => {
      const one = trainee()
      const looks = [await one.snapshot()]
      const score = async () => {
        looks.push(await one.snapshot())
        return new Float32Array(1)
      }
      await run(one, {
        labels,
        hooks: { monitor: { every: 1, score } },
        settings: { steps: 4, recluster: 4, cooldown },
      })
      const kernels = looks.map(([kernel]) => kernel as Float32Array)
      return kernels.slice(1).map((next, step) => {
        const last = kernels[step] as Float32Array
        return Math.hypot(...next.map((value, i) => value - (last[i] as number)))
      })
    }
    const [cooled, steady] = [await lengths(0.5), await lengths(0)]
    expect(cooled.slice(0, 3)).toEqual(steady.slice(0, 3))
    expect(cooled[3]).toBeCloseTo(0.5 * (steady[3] as number), 4)
  })

  it('reports every phase and step', async () => {
    const seen: string[] = []
    const report = ({ phase, step, steps }: TrainingProgress) => {
      expect(steps).toBe(4)
      seen.push(`${phase} ${step}`)
    }
    await run(trainee(), { hooks: { report }, settings: { steps: 4, recluster: 2 } })
    const expected = 'embed 0,cluster 0,train 1,train 2,embed 2,cluster 2,train 3,train 4'
    expect(seen.join()).toBe(expected)
  })

  it('repeats itself for the same seed', async () => {
    const weights = async (seed: number) => {
      const one = trainee()
      await run(one, { hooks: { seed } })
      return one.snapshot()
    }
    expect(await weights(1)).toEqual(await weights(1))
    expect(await weights(2)).not.toEqual(await weights(1))
  })

  it('leaves no tensor behind, however it ends', async () => {
    const one = trainee()
    const before = tf.memory().numTensors
    await run(one, { settings: { adaptive: true, teacherDecay: 0.9 } })
    const signal = AbortSignal.abort(new Error('stop'))
    await expect(run(one, { hooks: { signal } })).rejects.toThrow('stop')
    expect(tf.memory().numTensors).toBe(before)
  })
})
