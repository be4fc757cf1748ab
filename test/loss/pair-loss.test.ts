import { describe, expect, it } from 'vitest'
import { type Tensor, type Tensor2D, tf } from '../../lib/engine/tf.ts'
import type { PairLossParams } from '../../lib/loss/options.ts'
import { oracleCosines, oraclePairLoss, type PairSets, type Rows } from '../../lib/loss/oracle.ts'
import { pairLoss } from '../../lib/loss/pair-loss.ts'
import { pairMasks } from '../../lib/loss/pairs.ts'
import { lossPresets } from '../../lib/loss/presets.ts'
import { golden } from '../fixtures/loss/golden.ts'
import {
  asFloat32,
  at,
  blockLabels,
  evaluate,
  expectWithin,
  type Loss,
  ownCosines,
  pairSets,
  rowSlopes,
  tensor,
  unitRows,
} from './support.ts'

const { calibrated, paper } = lossPresets
const withParams =
  (params: PairLossParams): Loss =>
  (x, refs, p, n) =>
    pairLoss(x, refs, p, n, params)
const byCalibrated = withParams(calibrated)

/** The oracle of a batch, from its rows. */
const oracle = (rows: Rows, pairs: PairSets, params: PairLossParams = calibrated) =>
  oraclePairLoss(ownCosines(rows), pairs, params)

describe('pairLoss', () => {
  it.each([
    ['calibrated', calibrated, 1e-4],
    ['multi-similarity', lossPresets['multi-similarity'], 1e-4],
    ['paper', paper, 3e-4], // exponents of 100 in float32
  ])(
    'has the value and gradient of its oracle on a full batch under %s',
    async (_, params, share) => {
      const rows = asFloat32(unitRows(120, 64, 5, 0.5))
      const pairs = pairSets(blockLabels(15, 8))
      const expected = oracle(rows, pairs, params)
      const result = await evaluate(withParams(params), rows, pairs)
      expect(result.loss / expected.loss).toBeCloseTo(1, 5)
      expectWithin(result.gradient, rowSlopes(expected.slopes, rows), share)
    },
  )

  it('scales its gradient with that of what it enters', async () => {
    const rows = tensor(unitRows(6, 4, 6))
    const { positives, negatives } = pairMasks(Int32Array.from([0, 0, 0, 1, 1, 1]))
    const loss = (x: Tensor) =>
      pairLoss(x as Tensor2D, x as Tensor2D, positives, negatives, calibrated).loss
    const plain = (await tf.grad(loss)(rows).array()) as number[][]
    const tripled = (await tf
      .grad((x) => tf.mul(loss(x), 3))(rows)
      .array()) as number[][]
    expectWithin(
      tripled,
      plain.map((row) => row.map((g) => 3 * g)),
      1e-6,
    )
  })

  it('leaves out anchors without a pair of each kind, and divides by the batch all the same', async () => {
    const { rows, pairs } = golden // the last point has no positive
    const result = await evaluate(byCalibrated, rows, pairs)
    const parts = [0, 1, 2, 3, 4].map(
      (i) => (result.pos[i] ?? 0) + (result.neg[i] ?? 0) + 0.25 * (result.variance[i] ?? 0),
    )
    expect(result.valid).toEqual([1, 1, 1, 1, 1, 0])
    expect([result.pos[5], result.neg[5], result.variance[5]]).toEqual([0, 0, 0])
    expect(result.loss).toBeCloseTo(parts.reduce((a, b) => a + b, 0) / 6, 6)
  })

  it('leaves out an anchor that clears the margin, with its variance term', async () => {
    const rows = [
      [1, 0],
      [1, 0],
      [0, 1],
      [0, 1],
    ]
    const result = await evaluate(withParams(paper), rows, pairSets([0, 0, 1, 1]))
    expect(result.valid).toEqual([0, 0, 0, 0])
    expect(result.variance).toEqual([0, 0, 0, 0])
  })

  it.each([
    ['every anchor clears the margin', [0, 0, 1, 1]],
    ['there is one cluster', [0, 0, 0, 0]],
    ['every row is its own cluster', [0, 1, 2, 3]],
  ])('is zero with zero gradients of the right shape when %s', async (_, labels) => {
    const rows = [
      [1, 0, 0],
      [1, 0, 0],
      [0, 1, 0],
      [0, 1, 0],
    ]
    const result = await evaluate(withParams(paper), rows, pairSets(labels))
    expect(result.loss).toBe(0)
    expect(result.gradient.map((row) => row.map(Math.abs))).toEqual(
      rows.map((row) => row.map(() => 0)),
    )
  })

  it('counts exact duplicates of one label as positives', async () => {
    const rows = asFloat32([
      [1, 0],
      [1, 0],
      [0.96, 0.28],
      [0, 1],
    ])
    const result = await evaluate(byCalibrated, rows, pairSets([0, 0, 1, 1]))
    const expected = 0.5 * Math.log(1 + Math.exp(-1)) // s = 1 is within .1 of .96: mined
    expect(result.pos[0]).toBeCloseTo(expected, 6)
    expect(result.pos[1]).toBeCloseTo(expected, 6)
  })

  it('stays bounded when duplicates carry different labels', async () => {
    const rows = [...unitRows(3, 4, 8), ...unitRows(3, 4, 8)]
    const params = { ...calibrated, lambda: 0 }
    const result = await evaluate(withParams(params), rows, pairSets([0, 0, 0, 1, 1, 1]))
    // Each row pulls and is pulled by at most one on either side, from both ends of its pairs.
    for (const row of result.gradient) expect(Math.hypot(...row)).toBeLessThanOrEqual(4)
    expect(result.loss).toBeGreaterThan(0)
    expect(Number.isFinite(result.loss)).toBe(true)
  })

  it('is finite with a zero row', async () => {
    const rows = [[0, 0, 0], ...unitRows(5, 3, 9)]
    const result = await evaluate(byCalibrated, rows, pairSets([0, 0, 0, 1, 1, 1]))
    expect([result.loss, ...result.gradient.flat()].every(Number.isFinite)).toBe(true)
  })

  it.each([Number.NaN, Number.POSITIVE_INFINITY])('is not finite with a row of %s', async (bad) => {
    const rows = [[bad, 0, 0], ...unitRows(5, 3, 9)]
    const result = await evaluate(byCalibrated, rows, pairSets([0, 0, 0, 1, 1, 1]))
    expect(result.loss).toBeNaN()
  })

  it('agrees with its oracle in a narrow cone', async () => {
    const rows = asFloat32(unitRows(24, 16, 10, 4))
    const similarities = ownCosines(rows)
    expect(Math.min(...similarities.flat())).toBeGreaterThan(0.85)
    const pairs = pairSets(blockLabels(4, 6))
    const expected = oracle(rows, pairs, paper)
    const result = await evaluate(withParams(paper), rows, pairs)
    expect(result.loss / expected.loss).toBeCloseTo(1, 5)
    expectWithin(result.gradient, rowSlopes(expected.slopes, rows), 3e-4) // paper
  })

  it('does not see the embedding behind an ignored pair', async () => {
    const labels = [0, 0, 0, 1, 1, 1]
    const known = pairSets(labels)
    const without = (mask: Rows) =>
      mask.map((row, i) => row.map((on, j) => (i === 0 && j === 5 ? 0 : on)))
    const pairs = { positives: known.positives, negatives: without(known.negatives) }
    const rows = unitRows(6, 4, 11)
    const moved = [...rows.slice(0, 5), unitRows(1, 4, 12)[0] as number[]]
    const [before, after] = [
      await evaluate(byCalibrated, rows, pairs),
      await evaluate(byCalibrated, moved, pairs),
    ]
    expect(after.pos[0]).toBe(before.pos[0])
    expect(after.neg[0]).toBe(before.neg[0])
    expect(after.variance[0]).toBe(before.variance[0])
    expect(after.neg[1]).not.toBe(before.neg[1])
  })

  it('equals the plain case when references are a copy of the anchors', async () => {
    const rows = tensor(unitRows(6, 4, 13))
    const { positives, negatives } = pairMasks(Int32Array.from([0, 0, 0, 1, 1, 1]))
    const slopes = (refs: (x: Tensor2D) => Tensor2D) =>
      tf.valueAndGrad((x: Tensor) => {
        const anchors = x as Tensor2D
        return pairLoss(anchors, refs(anchors), positives, negatives, calibrated).loss
      })(rows)
    const [same, copied] = [slopes((x) => x), slopes(() => tf.clone(rows))]
    expect(await copied.value.data()).toEqual(await same.value.data())
    expect(await copied.grad.data()).toEqual(await same.grad.data())
  })

  it('agrees with its oracle when rows are appended', async () => {
    const [rows, extra] = [asFloat32(unitRows(6, 4, 14)), asFloat32(unitRows(3, 4, 15))]
    const all = pairSets([0, 0, 0, 1, 1, 1, 0, 1, 2])
    const pairs = { positives: all.positives.slice(0, 6), negatives: all.negatives.slice(0, 6) }
    const { loss, slopes } = oraclePairLoss(
      oracleCosines(rows, [...rows, ...extra]),
      pairs,
      calibrated,
    )
    const result = await evaluate(byCalibrated, rows, pairs, extra)
    const among = rowSlopes(
      slopes.map((row) => row.slice(0, 6)),
      rows,
    )
    const expected = among.map((row, i) =>
      row.map((g, c) => g + extra.reduce((t, q, j) => t + at(slopes, i, 6 + j) * (q[c] ?? 0), 0)),
    )
    expect(result.loss / loss).toBeCloseTo(1, 5)
    expectWithin(result.gradient, expected, 1e-4)
  })

  it('leaves only its results alive', () => {
    const x = tensor(unitRows(6, 4, 16))
    const { positives, negatives } = pairMasks(Int32Array.from([0, 0, 0, 1, 1, 1]))
    const before = tf.memory().numTensors
    tf.dispose(pairLoss(x, x, positives, negatives, calibrated))
    expect(tf.memory().numTensors).toBe(before)
    pairLoss(x, x, positives, negatives, calibrated)
    expect(tf.memory().numTensors).toBe(before + 7)
  })

  it('holds the number of tensors over a thousand steps', () => {
    const x = tf.variable(tensor(unitRows(6, 4, 17)))
    const { positives, negatives } = pairMasks(Int32Array.from([0, 0, 0, 1, 1, 1]))
    const step = () => {
      const made = tf.variableGrads(
        () => pairLoss(x as never, x as never, positives, negatives, calibrated).loss,
        [x],
      )
      tf.dispose([made.value, made.grads])
    }
    step()
    const before = tf.memory().numTensors
    for (let i = 0; i < 1000; i += 1) step()
    expect(tf.memory().numTensors).toBe(before)
  })

  it('names the argument whose shape is wrong', () => {
    const x = tf.zeros([3, 2]) as Tensor2D
    const wrong = () => pairLoss(x, x, tf.zeros([3, 3]), tf.zeros([3, 4]), calibrated)
    expect(wrong).toThrow('pairLoss: negatives must have shape [3, 3], got [3, 4]')
  })
})
