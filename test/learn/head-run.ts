import { onTestFinished } from 'vitest'
import { randomStream } from '../../lib/engine/random.ts'
import { tf } from '../../lib/engine/tf.ts'
import { type HeadFeatures, headViews } from '../../lib/learn/head-features.ts'
import type { Objective } from '../../lib/learn/objective.ts'
import { type RoundSettings, roundSettings } from '../../lib/learn/recipe.ts'
import { type TrainingHooks, type TrainingOutcome, train } from '../../lib/learn/train.ts'
import { headTrainee, type Trainee } from '../../lib/learn/trainee.ts'
import { headName } from '../../lib/model/head.ts'

const kinds = 6
const each = 10
/** Pictures of a run. */
export const n: number = kinds * each
const width = 8

/** Features of pictures: each kind around an axis of its own, `noise` away from it. */
function features(noise: number): HeadFeatures {
  const random = randomStream(3, 'features')
  const views = Float32Array.from({ length: n * headViews * width }, (_, at) => {
    const kind = Math.floor(at / (each * headViews * width))
    return (at % width === kind ? 1 : 0) + noise * random.normal()
  })
  return {
    plain: { rows: n, dim: width, data: new Float32Array(n * width) },
    views: { rows: n * headViews, dim: width, data: views },
  }
}

/** A head in training on the features of {@link n} pictures; freed when the test ends. */
export function trainee(noise = 0.5): Trainee {
  const kernelInitializer = tf.initializers.glorotUniform({ seed: 5 })
  const shape = { units: 6, inputShape: [width], kernelInitializer }
  const network = tf.sequential({ layers: [tf.layers.dense({ name: headName, ...shape })] })
  const one = headTrainee(network, features(noise))
  onTestFinished(() => {
    one.dispose()
    network.dispose()
  })
  return one
}

const set = {
  ids: Array.from({ length: n }, (_, i) => `p${i}`),
  groups: Int32Array.from({ length: n }, (_, i) => i),
  fresh: new Uint8Array(n).fill(1),
}
/** The true kind of each picture. */
export const labels: Int32Array = Int32Array.from({ length: n }, (_, i) => Math.floor(i / each))

/** What a run replaces of six steps on clusters. */
export interface Run {
  readonly settings?: Partial<Omit<RoundSettings, 'recipe'>>
  readonly hooks?: Partial<TrainingHooks>
  readonly objective?: Objective
  readonly labels?: Int32Array
}

/** Trains a head. */
export const run = (
  one: Trainee,
  { settings, hooks, objective, labels: given }: Run = {},
): Promise<TrainingOutcome> =>
  train(
    one,
    { ...set, ...(given && { labels: given }) },
    roundSettings('head', { steps: 6, recluster: 3, ...settings }),
    { now: () => 0, k: kinds, seed: 1, round: 1, ...hooks },
    objective,
  )
