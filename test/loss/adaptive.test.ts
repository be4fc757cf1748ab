import { describe, expect, it } from 'vitest'
import { type Scalar, type Tensor, type Tensor1D, type Tensor2D, tf } from '../../lib/engine/tf.ts'
import { type AdaptiveThresholds, adaptiveThresholds } from '../../lib/loss/adaptive.ts'
import { cosines } from '../../lib/loss/cosines.ts'
import type { AdaptiveOptions } from '../../lib/loss/options.ts'
import { oraclePairLoss, type Rows } from '../../lib/loss/oracle.ts'
import { pairLoss } from '../../lib/loss/pair-loss.ts'
import { lossPresets } from '../../lib/loss/presets.ts'
import { expectWithin, ownCosines, pairSets, rowSlopes, tensor, unitRows } from './support.ts'

const { calibrated, paper } = lossPresets
const labels = [0, 0, 0, 1, 1, 1, 2, 2]
const pairs = pairSets(labels)

/** Rows around one axis a cluster, so that positives are the more similar by far. */
function clustered(seed: number): number[][] {
  return unitRows(8, 5, seed).map((noise, i) => {
    const row = noise.map((x, c) => x + (c === labels[i] ? 1 : 0))
    return row.map((x) => x / Math.hypot(...row))
  })
}
const batch = (seed: number) => ownCosines(clustered(seed))

const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length
const squares = (values: readonly number[]) =>
  values.reduce((total, s) => total + (s - mean(values)) ** 2, 0)

/** Means and pooled variance of a batch, by loops. */
function moments(similarities: Rows): number[] {
  const of = (mask: Rows) =>
    similarities.flatMap((row, i) => row.filter((_, j) => mask[i]?.[j] === 1))
  const [p, n] = [of(pairs.positives), of(pairs.negatives)]
  return [mean(p), mean(n), (squares(p) + squares(n)) / (p.length + n.length)]
}

const step = (similarities: Rows, state?: Tensor1D, options?: AdaptiveOptions, base = calibrated) =>
  adaptiveThresholds(
    tensor(similarities),
    tensor(pairs.positives),
    tensor(pairs.negatives),
    base,
    state,
    options,
  )

/** The thresholds as numbers. */
async function levels({ params }: AdaptiveThresholds): Promise<Record<string, number>> {
  const named = Object.entries(params).filter(([name]) => /^(a|b|kappa)[PN]$/.test(name))
  const read = async (v: unknown) =>
    typeof v === 'number' ? v : ((await (v as Scalar).data())[0] as number)
  return Object.fromEntries(
    await Promise.all(named.map(async ([name, v]) => [name, await read(v)] as const)),
  )
}

describe('adaptiveThresholds', () => {
  it('starts from the moments of the first batch', async () => {
    const { state } = step(batch(1))
    expectWithin([[...(await state.data())]], [[...moments(batch(1)), 1]], 1e-6)
  })

  it('puts threshold and temperature where two Gaussians of the data meet', async () => {
    const [p, n, variance] = moments(batch(1)) as [number, number, number]
    const beta = variance / (p - n)
    const odds = Math.log(42 / 14) // pairs of three, three and two rows
    const { aN, bN, kappaN, aP, bP, kappaP } = await levels(step(batch(1)))
    expect(beta).toBeGreaterThan(0.02) // not at its bounds, or the next line says nothing
    expect(beta).toBeLessThan(0.5)
    expect([bN, kappaN, bP, kappaP]).toEqual(new Array(4).fill(Math.fround(bN as number)))
    expect(bN).toBeCloseTo(beta, 5)
    expect(aN).toBeCloseTo((p + n) / 2 + beta * odds, 5)
    expect(aP).toBe(aN)
  })

  it('leaves out the odds without a prior', async () => {
    const [p, n] = moments(batch(1)) as [number, number]
    const { aN } = await levels(step(batch(1), undefined, { prior: false }))
    expect(aN).toBeCloseTo((p + n) / 2, 5)
  })

  it('keeps the positive side where only the negative one follows', async () => {
    const { aP, bP, kappaP, kappaN, bN } = await levels(
      step(batch(1), undefined, { side: 'neg' }, paper),
    )
    expect([aP, bP, kappaP]).toEqual([paper.aP, paper.bP, 1])
    expect(kappaN).toBe(bN)
  })

  it('moves by a twentieth to each further batch', async () => {
    const { state } = step(batch(2), step(batch(1)).state)
    const later = moments(batch(2))
    const expected = moments(batch(1)).map((m, i) => 0.95 * m + 0.05 * (later[i] as number))
    expectWithin([[...(await state.data())]], [[...expected, 1]], 1e-6)
  })

  it('keeps its state in a batch without pairs of both kinds', async () => {
    const before = step(batch(1)).state
    const none = tf.zeros([8, 8]) as Tensor2D
    const { state } = adaptiveThresholds(tensor(batch(2)), none, none, calibrated, before)
    expect([...(await state.data())]).toEqual([...(await before.data())])
  })

  it('stays within its bounds where positives and negatives are the same', async () => {
    const same = batch(1).map((row) => row.map(() => 1))
    const { aN, bN } = await levels(step(same))
    expect(aN).toBeCloseTo(0.95, 6)
    expect(bN).toBeCloseTo(0.02, 6)
  })

  it('is a constant to the gradient of the loss', async () => {
    const rows = clustered(3)
    const [p, n] = [tensor(pairs.positives), tensor(pairs.negatives)]
    const adapted = (x: Tensor2D) => adaptiveThresholds(cosines(x, x), p, n, calibrated).params
    const loss = (t: Tensor) => {
      const x = t as Tensor2D
      return pairLoss(x, x, p, n, adapted(x)).loss
    }
    const gradient = (await tf.grad(loss)(tensor(rows)).array()) as number[][]
    const fixed = await levels(step(ownCosines(rows)))
    const { slopes } = oraclePairLoss(ownCosines(rows), pairs, { ...calibrated, ...fixed })
    expectWithin(gradient, rowSlopes(slopes, rows), 1e-4)
  })

  it('leaves only its results alive', () => {
    const s = tensor(batch(1))
    const [p, n] = [tensor(pairs.positives), tensor(pairs.negatives)]
    const before = tf.memory().numTensors
    const { state, params } = adaptiveThresholds(s, p, n, calibrated)
    expect(tf.memory().numTensors).toBe(before + 3) // state, threshold and temperature
    tf.dispose([state, params.aN, params.bN])
    expect(tf.memory().numTensors).toBe(before)
  })

  it('names a state of another shape', () => {
    const wrong = () => step(batch(1), tf.zeros([3]) as Tensor1D)
    expect(wrong).toThrow('adaptiveThresholds: state must have shape [4], got [3]')
  })
})
