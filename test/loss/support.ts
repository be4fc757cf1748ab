import { expect } from 'vitest'
import { randomStream } from '../../lib/engine/random.ts'
import { type Tensor, type Tensor2D, tf } from '../../lib/engine/tf.ts'
import type { PairLossResult } from '../../lib/loss/options.ts'
import { oracleCosines, type PairSets, type Rows } from '../../lib/loss/oracle.ts'

/** Unit rows of a standard normal plus `shift` in every coordinate: a narrow cone if it is 1. */
export function unitRows(batch: number, dim: number, seed: number, shift = 0): number[][] {
  const random = randomStream(seed, 'unit rows', batch, dim)
  return Array.from({ length: batch }, () => {
    const row = Array.from({ length: dim }, () => random.normal() + shift)
    const norm = Math.hypot(...row)
    return row.map((x) => x / norm)
  })
}

/** Labels 0, 0, …, 1, 1, …: `each` rows a cluster. */
export const blockLabels = (clusters: number, each: number): number[] =>
  Array.from({ length: clusters * each }, (_, i) => Math.floor(i / each))

/** Positive and negative pairs of labels, the self-pair in neither. */
export function pairSets(labels: readonly number[]): PairSets {
  const mask = (keep: (a: number, b: number) => boolean) =>
    labels.map((a, i) => labels.map((b, j) => (i !== j && keep(a, b) ? 1 : 0)))
  return { positives: mask((a, b) => a === b), negatives: mask((a, b) => a !== b) }
}

/** A matrix as a tensor, shape [rows, columns], float32. */
export const tensor = (rows: Rows): Tensor2D => tf.tensor2d(rows.map((row) => [...row]))

/** The largest difference between two matrices. */
export const farthest = (a: Rows, b: Rows): number =>
  Math.max(...a.flatMap((row, i) => row.map((x, j) => Math.abs(x - (b[i]?.[j] ?? Number.NaN)))))

/** The largest magnitude in a matrix. */
const largest = (rows: Rows): number => Math.max(...rows.flat().map(Math.abs))

/** Expects every entry to be within a share of the largest expected one. */
export function expectWithin(actual: Rows, expected: Rows, share: number): void {
  expect(farthest(actual, expected)).toBeLessThanOrEqual(share * Math.max(largest(expected), 1e-30))
}

/** ∂loss/∂X = (G + Gᵀ) X, in float64. */
export function rowSlopes(slopes: Rows, rows: Rows): number[][] {
  const both = rows.map((_, i) => rows.map((_, j) => at(slopes, i, j) + at(slopes, j, i)))
  return both.map((g) =>
    (rows[0] ?? []).map((_, c) => g.reduce((total, w, j) => total + w * at(rows, j, c), 0)),
  )
}

/** An entry of a matrix that is known to be there. */
export const at = (rows: Rows, i: number, j: number): number => rows[i]?.[j] as number

/** A matrix with one entry moved. */
const nudge = (rows: Rows, i: number, j: number, step: number): number[][] =>
  rows.map((row, r) => row.map((x, c) => (r === i && c === j ? x + step : x)))

/** Central differences of a function of a matrix. */
export const rises = (rows: Rows, f: (rows: Rows) => number, step = 1e-6): number[][] =>
  rows.map((row, i) =>
    row.map((_, j) => (f(nudge(rows, i, j, step)) - f(nudge(rows, i, j, -step))) / (2 * step)),
  )

/** A loss over pairs, its settings given. */
export type Loss = (x: Tensor2D, refs: Tensor2D, p: Tensor2D, n: Tensor2D) => PairLossResult

/** A {@link PairLossResult} outside the engine, and the gradient by rows. */
export interface Evaluated {
  readonly loss: number
  readonly pos: number[]
  readonly neg: number[]
  readonly variance: number[]
  readonly valid: number[]
  readonly minedPositives: number
  readonly minedNegatives: number
  readonly gradient: number[][]
}

/** What a loss on the engine says of these rows, and its gradient, outside the engine. */
export async function evaluate(
  loss: Loss,
  rows: Rows,
  pairs: PairSets,
  appended: Rows = [],
): Promise<Evaluated> {
  const made = tf.tidy(() => {
    const x = tensor(rows)
    const refs = appended.length === 0 ? x : tf.concat([x, tensor(appended)])
    const [p, n] = [tensor(pairs.positives), tensor(pairs.negatives)]
    const kept: { result?: PairLossResult } = {}
    const gradient = tf.grad((t: Tensor) => {
      const anchors = t as Tensor2D
      kept.result = loss(anchors, refs === x ? anchors : refs, p, n)
      for (const value of Object.values(kept.result)) tf.keep(value as Tensor)
      return kept.result.loss
    })(x) as Tensor2D
    return { gradient, ...(kept.result as PairLossResult) }
  })
  const list = async (t: Tensor) => [...(await t.data())]
  const read = {
    loss: (await list(made.loss))[0] as number,
    pos: await list(made.pos),
    neg: await list(made.neg),
    variance: await list(made.variance),
    valid: await list(made.valid),
    minedPositives: (await list(made.minedPositives))[0] as number,
    minedNegatives: (await list(made.minedNegatives))[0] as number,
    gradient: await made.gradient.array(),
  }
  tf.dispose(Object.values(made))
  return read
}

/** Rows that a float32 engine sees without rounding, so that both sides judge the same numbers. */
export const asFloat32 = (rows: Rows): number[][] => rows.map((row) => row.map(Math.fround))

/** Oracle cosines of rows with themselves. */
export const ownCosines = (rows: Rows): number[][] => oracleCosines(rows, rows)
