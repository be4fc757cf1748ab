import { type Clustering, cluster } from '../cluster/cluster.ts'
import { type ClusterStatistics, clusterStatistics } from '../cluster/statistics.ts'
import { trustImages } from '../cluster/trust.ts'
import type { Matrix } from '../engine/matrix.ts'
import { randomStream } from '../engine/random.ts'
import { tf } from '../engine/tf.ts'
import { pairMasks } from '../loss/pairs.ts'
import { adam } from '../model/optimizer.ts'
import { fellClearly } from './clear-fall.ts'
import { collapseAlarm } from './collapse.ts'
import { adaptiveObjective, type Objective, pairObjective } from './objective.ts'
import { rateShare } from './rate-share.ts'
import type { RoundSettings } from './recipe.ts'
import { sampleBatches } from './sampler.ts'
import { trainStep } from './step.ts'
import { teacherOf } from './teacher.ts'
import type { Trainee } from './trainee.ts'

/** Pictures of a round, index by index; frozen before it begins. */
export interface TrainingSet {
  readonly ids: readonly string[]
  /** Number of the duplicate group of each picture, shape [n]. */
  readonly groups: Int32Array
  /** 1 where no earlier round saw the picture, shape [n]. */
  readonly fresh: Uint8Array
  /** True labels, for supervised training in place of clustering, shape [n]. */
  readonly labels?: Int32Array
}

/** What a run is told, and asked for, from outside. */
export interface TrainingHooks {
  /** Monotonic clock, ms. */
  readonly now: () => number
  /** What it answers is awaited, so that it may let others have the thread. */
  readonly report?: (progress: TrainingProgress) => unknown
  /** Called with every iteration of a clustering, for watchdogs; awaited, and may end the run. */
  readonly alive?: () => unknown
  readonly signal?: AbortSignal
  /** Scores the model every so many steps, picture by picture; the best state is kept. */
  readonly monitor?: { readonly every: number; score(): Promise<Float32Array> }
  /** Embeddings for the first labels in place of the student's own, shape [n, dim]. */
  readonly firstEmbeddings?: Matrix
  /** Number of clusters. */
  readonly k: number
  readonly seed: number
  readonly round: number
}

/** Where a run stands. */
export interface TrainingProgress {
  readonly phase: 'embed' | 'cluster' | 'train' | 'monitor'
  readonly step: number
  readonly steps: number
  readonly loss: number
  readonly valid: number
}

/** How a run ended. */
export interface TrainingOutcome {
  readonly ended: 'steps' | 'time' | 'nothing-left' | 'collapse' | 'not-finite' | 'no-clusters'
  readonly steps: number
  readonly skipped: number
  readonly seconds: number
  /** Mean loss and valid fraction over the last 50 steps. */
  readonly loss: number
  readonly valid: number
  readonly clusterings: readonly ClusterStatistics[]
  /** Mean monitor score by step. */
  readonly monitored: readonly { readonly step: number; readonly score: number }[]
  readonly optimizer: {
    readonly step: number
    readonly first: Float32Array
    readonly second: Float32Array
  }
}

/** Valid fraction below which, for so many steps, a labelling has nothing left to teach. */
const leastValid = 0.02
const patience = 50

const isFiniteMatrix = (matrix: Matrix): boolean => matrix.data.every(Number.isFinite)

/** The clustering of one phase: pseudo-labels and who is trusted, or the labels given. */
async function labelling(
  set: TrainingSet,
  embeddings: Matrix,
  settings: RoundSettings,
  hooks: TrainingHooks,
  phase: number,
): Promise<{ labels: Int32Array; trusted: Uint8Array; clustering: Clustering | undefined }> {
  if (set.labels !== undefined) {
    const trusted = new Uint8Array(set.ids.length).fill(1)
    return { labels: set.labels, trusted, clustering: undefined }
  }
  const seed = randomStream(hooks.seed, 'clustering', hooks.round, phase).integer(2 ** 31)
  const report = hooks.alive && { report: hooks.alive }
  const clustering = await cluster(embeddings, { k: hooks.k, seed, ...report })
  const trusted = trustImages(clustering, { marginDrop: settings.marginDrop })
  return { labels: clustering.labels, trusted, clustering }
}

const recentMean = (values: readonly number[]): number => {
  const last = values.slice(-patience)
  return last.length === 0 ? 0 : last.reduce((sum, value) => sum + value, 0) / last.length
}

/**
 * Trains in place: cluster, then a run of optimiser steps on the pseudo-labels, again and again.
 *
 * Ends at its steps or its time, whichever comes first, or when two labellings in a row have
 * nothing left to teach, or when the embeddings collapse. When it ends `not-finite` the weights
 * are void and the caller goes back to those it began with.
 *
 * @param objective - Absent: the pair loss of the settings.
 * @see `method.md` §6.
 */
export async function train(
  trainee: Trainee,
  set: TrainingSet,
  settings: RoundSettings,
  hooks: TrainingHooks,
  objective: Objective = settings.adaptive
    ? adaptiveObjective(settings.loss)
    : pairObjective(settings.loss),
  memory?: TrainingOutcome['optimizer'],
): Promise<TrainingOutcome> {
  const began = hooks.now()
  const { rate, weightDecay, steps } = settings
  const optimizer = adam(trainee.variables, { rate, weightDecay })
  if (memory !== undefined) optimizer.load(memory)
  const teacher = teacherOf(trainee.network, settings.teacherDecay)
  const losses: number[] = []
  const valids: number[] = []
  const clusterings: ClusterStatistics[] = []
  const monitored: { step: number; score: number }[] = []
  let best: { score: number; scores: Float32Array; weights: Float32Array[] } | undefined
  let latest: Float32Array | undefined
  let step = 0
  let skipped = 0
  let exhausted = 0
  const tell = (phase: TrainingProgress['phase']) =>
    hooks.report?.({ phase, step, steps, loss: losses.at(-1) ?? 0, valid: valids.at(-1) ?? 0 })

  const watch = async () => {
    if (hooks.monitor === undefined) return
    tell('monitor')
    const scores = await teacher.during(hooks.monitor.score)
    const score = scores.reduce((sum, value) => sum + value, 0) / scores.length
    monitored.push({ step, score })
    latest = scores
    if (best === undefined || score > best.score) {
      best = { score, scores, weights: await teacher.during(() => trainee.snapshot()) }
    }
  }

  const isCollapsed = collapseAlarm()

  const phases = async (): Promise<TrainingOutcome['ended']> => {
    for (let phase = 0; step < steps; phase += 1) {
      tell('embed')
      const isFirst = phase === 0 && hooks.firstEmbeddings !== undefined
      const embeddings = isFirst
        ? (hooks.firstEmbeddings as Matrix)
        : await teacher.during(() => trainee.embedAll())
      if (!isFiniteMatrix(embeddings)) return 'not-finite'
      if (!isFirst && isCollapsed(embeddings)) return 'collapse'
      tell('cluster')
      const { labels, trusted, clustering } = await labelling(
        set,
        embeddings,
        settings,
        hooks,
        phase,
      )
      if (clustering !== undefined) clusterings.push(clusterStatistics(clustering, trusted))
      const batches = sampleBatches(
        labels,
        (picture) => trusted[picture] === 1,
        (picture) => set.fresh[picture] === 1,
        randomStream(hooks.seed, 'sampler', hooks.round, phase),
        settings.sampler,
        (picture) => set.groups[picture] as number,
      )
      let quiet = 0
      for (let inPhase = 0; inPhase < settings.recluster && step < steps; inPhase += 1) {
        hooks.signal?.throwIfAborted()
        const limit = settings.maxRoundTimeMs ?? Number.POSITIVE_INFINITY
        const elapsed = hooks.now() - began
        if (elapsed > limit) return 'time'
        const place = Math.max(step / steps, elapsed / limit)
        const next = batches.next()
        if (next.done === true) return 'no-clusters'
        const batch = next.value
        const inputs = await trainee.inputs(batch, step)
        const ignored = Int32Array.from(batch.pictures, (picture) => set.groups[picture] as number)
        const masks = pairMasks(batch.labels, { ignored })
        const embed = () => trainee.embed(inputs)
        const share = rateShare(place, settings.cooldown)
        const done = await trainStep(
          embed,
          masks,
          objective,
          trainee.variables,
          optimizer,
          step,
          share,
        )
        tf.dispose([inputs, masks.positives, masks.negatives])
        if (!Number.isFinite(done.loss)) return 'not-finite'
        if (done.stepped) teacher.follow()
        else skipped += 1
        step += 1
        losses.push(done.loss)
        valids.push(done.valid)
        await tell('train')
        if (hooks.monitor !== undefined && step % hooks.monitor.every === 0) await watch()
        quiet = done.valid < leastValid ? quiet + 1 : 0
        if (quiet >= patience) break
      }
      exhausted = quiet >= patience ? exhausted + 1 : 0
      if (exhausted >= 2) return 'nothing-left'
    }
    return 'steps'
  }

  try {
    const ended = await phases()
    if (ended !== 'not-finite') {
      if (step > 0 && monitored.at(-1)?.step !== step) await watch()
      // The teacher becomes the candidate, unless an earlier state was clearly better.
      const isWorse = best !== undefined && latest !== undefined && fellClearly(best.scores, latest)
      const weights = isWorse ? best?.weights : await teacher.during(() => trainee.snapshot())
      if (weights !== undefined) trainee.restore(weights)
    }
    return {
      ended,
      steps: step,
      skipped,
      seconds: (hooks.now() - began) / 1000,
      loss: recentMean(losses),
      valid: recentMean(valids),
      clusterings,
      monitored,
      optimizer: await optimizer.state(),
    }
  } finally {
    optimizer.dispose()
    teacher.dispose()
    objective.dispose()
  }
}
