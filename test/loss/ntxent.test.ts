import { describe, expect, it } from 'vitest'
import { tf } from '../../lib/engine/tf.ts'
import { ntxentLoss, ntxentTemperature } from '../../lib/loss/ntxent.ts'
import type { PairSets, Rows } from '../../lib/loss/oracle.ts'
import { pairMasks } from '../../lib/loss/pairs.ts'
import {
  asFloat32,
  blockLabels,
  evaluate,
  expectWithin,
  type Loss,
  ownCosines,
  pairSets,
  rises,
  rowSlopes,
  tensor,
  unitRows,
} from './support.ts'

/** The definition in float64: mean over positive pairs, by loops. */
function oracle(s: Rows, pairs: PairSets, temperature: number): number {
  let [total, count] = [0, 0]
  for (const [i, row] of s.entries()) {
    const e = row.map((x) => Math.exp(x / temperature))
    const negatives = e.filter((_, j) => pairs.negatives[i]?.[j] === 1).reduce((a, b) => a + b, 0)
    for (const [j, x] of e.entries()) {
      if (pairs.positives[i]?.[j] !== 1) continue
      total -= Math.log(x / (x + negatives))
      count += 1
    }
  }
  return total / Math.max(count, 1)
}

const at =
  (temperature: number): Loss =>
  (x, refs, p, n) =>
    ntxentLoss(x, refs, p, n, { temperature })

describe('ntxentLoss', () => {
  it.each([0.07, 0.2, 1])(
    'has the value and slopes of its definition at temperature %d',
    async (t) => {
      const rows = asFloat32(unitRows(12, 6, 1, 0.4))
      const pairs = pairSets(blockLabels(4, 3))
      const slopes = rises(ownCosines(rows), (s) => oracle(s, pairs, t))
      const result = await evaluate(at(t), rows, pairs)
      expect(result.loss / oracle(ownCosines(rows), pairs, t)).toBeCloseTo(1, 5)
      expectWithin(result.gradient, rowSlopes(slopes, rows), 1e-4)
    },
  )

  it('is the sum of its anchors by the batch', async () => {
    const { loss, pos, valid } = await evaluate(
      ntxentLoss,
      unitRows(7, 4, 2),
      pairSets([0, 0, 0, 1, 1, 1, 2]),
    )
    expect(pos.reduce((a, b) => a + b, 0) / 7).toBeCloseTo(loss, 5)
    expect(pos[6]).toBe(0)
    expect(valid).toEqual([1, 1, 1, 1, 1, 1, 0])
  })

  it.each([
    ['there is one cluster', [0, 0, 0]],
    ['every row is its own cluster', [0, 1, 2]],
  ])('is zero with zero gradients when %s', async (_, labels) => {
    const result = await evaluate(ntxentLoss, unitRows(3, 2, 3), pairSets(labels))
    expect([result.loss, ...result.gradient.flat()].map(Math.abs)).toEqual(new Array(7).fill(0))
  })

  it('is finite where the temperature is small', async () => {
    const result = await evaluate(at(1e-3), unitRows(6, 2, 4), pairSets(blockLabels(2, 3)))
    expect([result.loss, ...result.gradient.flat()].every(Number.isFinite)).toBe(true)
  })

  it('is not finite with a row that is not', async () => {
    const rows = [[Number.NaN, 0], ...unitRows(5, 2, 5)]
    expect((await evaluate(ntxentLoss, rows, pairSets(blockLabels(2, 3)))).loss).toBeNaN()
  })

  it('takes a softer temperature for a small batch', async () => {
    const [rows, pairs] = [unitRows(6, 4, 6), pairSets(blockLabels(2, 3))]
    const [byDefault, given] = [
      await evaluate(ntxentLoss, rows, pairs),
      await evaluate(at(0.2), rows, pairs),
    ]
    expect(byDefault.loss).toBe(given.loss)
    expect([ntxentTemperature(128), ntxentTemperature(129)]).toEqual([0.2, 0.07])
  })

  it('leaves only its results alive', () => {
    const x = tensor(unitRows(4, 2, 7))
    const { positives, negatives } = pairMasks(Int32Array.from([0, 0, 1, 1]))
    const before = tf.memory().numTensors
    ntxentLoss(x, x, positives, negatives)
    expect(tf.memory().numTensors).toBe(before + 7)
  })
})
