import { chooseK } from '../cluster/choose-k.ts'
import { cluster } from '../cluster/cluster.ts'
import type { Matrix } from '../engine/matrix.ts'
import { randomStream } from '../engine/random.ts'
import type { LayersModel } from '../engine/tf.ts'
import { augmentationMrr } from '../metric/augmentation-mrr.ts'
import { centreRows } from '../metric/centre.ts'
import { neighbourConsistency } from '../metric/neighbours.ts'
import { adjustedRand } from '../metric/nmi.ts'
import { effectiveRank, spread } from '../metric/rank.ts'
import { embedMatrix } from '../model/encoder.ts'
import type { ModelSignals, ProbeSignals } from './gate-input.ts'
import { chunks, type Pictures } from './pictures.ts'

/** A model as the gate sees it. */
export interface GateModel {
  readonly network: LayersModel
  /** Mean that its vectors are centred on, shape [dim]; absent: that of the round's pictures. */
  readonly mean: Float32Array
}

/** Held-out image ids that a model is judged on. */
export interface Probes {
  readonly a: readonly string[]
  /** Empty: there is one probe only. */
  readonly b: readonly string[]
}

/** Hard views a picture; more make the signals less noisy. */
const hardViews = 6
/** Neighbours that a picture should keep: few, since a probe holds few of a kind. */
const neighbours = 3
/** Pairs of bootstrap resamples whose clusterings are compared. */
const resamples = 5

/** Vectors of the plain view and of each hard view of the same pictures. */
interface ProbeVectors {
  readonly plain: Matrix
  readonly hard: readonly Matrix[]
}

async function vectorsOf(
  model: GateModel,
  pictures: Pictures,
  ids: readonly string[],
): Promise<ProbeVectors> {
  const embedView = async (view: number) => {
    async function* batches() {
      for (const some of chunks(ids)) yield await pictures.hard(some, view)
    }
    return embedMatrix(model.network, batches(), { mean: model.mean })
  }
  const plain = centreRows(await pictures.embed(model.network, ids), model.mean).matrix
  const hard: Matrix[] = []
  for (let view = 0; view < hardViews; view += 1) hard.push(await embedView(view))
  return { plain, hard }
}

const rowsOf = ({ dim, data }: Matrix, from: number, to: number): Matrix => ({
  rows: to - from,
  dim,
  data: data.subarray(from * dim, to * dim),
})

/** Mean over the hard views of each picture. */
function meanOver(perView: readonly Float32Array[]): Float32Array {
  const [first] = perView
  if (first === undefined) return new Float32Array()
  return first.map(
    (_, i) => perView.reduce((sum, values) => sum + (values[i] as number), 0) / perView.length,
  )
}

/** Signals of every picture; the gallery is all of them. */
async function probeSignals({ plain, hard }: ProbeVectors): Promise<ProbeSignals> {
  const sources = Int32Array.from({ length: plain.rows }, (_, i) => i)
  const mrr: Float32Array[] = []
  const consistency: Float32Array[] = []
  for (const view of hard) {
    mrr.push(await augmentationMrr(view, plain, sources))
    consistency.push(await neighbourConsistency(plain, view, { neighbours }))
  }
  return { mrr: meanOver(mrr), consistency: meanOver(consistency) }
}

/** Signals of the pictures from one place to another. */
const part = ({ mrr, consistency }: ProbeSignals, from: number, to: number): ProbeSignals => ({
  mrr: mrr.slice(from, to),
  consistency: consistency.slice(from, to),
})

/** Mean adjusted Rand index of the clusterings of bootstrap resamples. */
async function clusterStability(vectors: Matrix, seed: number): Promise<number> {
  const n = vectors.rows
  const k = Math.max(2, Math.min(chooseK(n), Math.floor(n / 8)))
  let sum = 0
  for (let pair = 0; pair < resamples; pair += 1) {
    const labels: Int32Array[] = []
    for (const side of [0, 1]) {
      const random = randomStream(seed, 'stability', pair, side)
      const picked = Array.from({ length: n }, () => random.integer(n))
      labels.push(await labelsFromResample(vectors, picked, k, seed + pair * 2 + side))
    }
    sum += adjustedRand(labels[0] as Int32Array, labels[1] as Int32Array)
  }
  return sum / resamples
}

/** Clusters a resample, and gives every picture the label of its nearest centroid. */
async function labelsFromResample(
  vectors: Matrix,
  picked: readonly number[],
  k: number,
  seed: number,
): Promise<Int32Array> {
  const { dim, data, rows } = vectors
  const sample = new Float32Array(picked.length * dim)
  for (const [row, from] of picked.entries()) {
    sample.set(data.subarray(from * dim, (from + 1) * dim), row * dim)
  }
  const { centroids, mean } = await cluster({ rows: picked.length, dim, data: sample }, { k, seed })
  const centred = centreRows(vectors, mean).matrix.data
  return Int32Array.from({ length: rows }, (_, row) => {
    let best = -2
    let label = 0
    for (let c = 0; c < centroids.rows; c += 1) {
      let sum = 0
      for (let i = 0; i < dim; i += 1) {
        sum += (centred[row * dim + i] as number) * (centroids.data[c * dim + i] as number)
      }
      if (sum > best) {
        best = sum
        label = c
      }
    }
    return label
  })
}

/** Signals of a model, with its vectors of probe A for comparison with another model's. */
export interface Judged {
  readonly signals: ModelSignals
  readonly plainA: Matrix
}

/**
 * Label-free signals of one model on both probes.
 *
 * Queries are hard augmented views; the gallery is the plain views of all probe pictures, so that
 * a rank means as much on a small probe as on a large one.
 *
 * @param seed - Of the resamples; equal for the models of one comparison.
 * @see `method.md` §8.
 */
export async function judgeSignals(
  model: GateModel,
  pictures: Pictures,
  probes: Probes,
  seed: number,
): Promise<Judged> {
  const ids = [...probes.a, ...probes.b]
  const vectors = await vectorsOf(model, pictures, ids)
  const plainA = rowsOf(vectors.plain, 0, probes.a.length)
  const uncentred = await pictures.embed(model.network, probes.a)
  const all = await probeSignals(vectors)
  const signals: ModelSignals = {
    a: part(all, 0, probes.a.length),
    ...(probes.b.length > 0 && { b: part(all, probes.a.length, ids.length) }),
    dim: plainA.dim,
    effectiveRank: effectiveRank(plainA),
    spread: spread(uncentred),
    watched: { stability: await clusterStability(plainA, seed) },
  }
  return { signals, plainA }
}
