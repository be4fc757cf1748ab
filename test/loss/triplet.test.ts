import { describe, expect, it } from 'vitest'
import { tf } from '../../lib/engine/tf.ts'
import type { TripletMining } from '../../lib/loss/options.ts'
import type { PairSets, Rows } from '../../lib/loss/oracle.ts'
import { pairMasks } from '../../lib/loss/pairs.ts'
import { tripletLoss, tripletMiningAt } from '../../lib/loss/triplet.ts'
import {
  asFloat32,
  at,
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

/** The definition in float64: mean over violating triplets, by loops. */
function oracle(s: Rows, pairs: PairSets, mining: TripletMining, margin = 0.2) {
  const distance = (i: number, j: number) => Math.sqrt(Math.max(2 - 2 * at(s, i, j), 1e-6))
  const violations = s.flatMap((row, i) => {
    const others = (mask: Rows) => row.map((_, j) => j).filter((j) => at(mask, i, j) === 1)
    const far = others(pairs.positives).sort((a, b) => distance(i, b) - distance(i, a))
    const near = others(pairs.negatives).sort((a, b) => distance(i, a) - distance(i, b))
    const hard = mining === 'hard'
    const triplets = (hard ? far.slice(0, 1) : far).flatMap((p) =>
      (hard ? near.slice(0, 1) : near).map((n) => distance(i, p) - distance(i, n)),
    )
    return triplets
      .filter((gap) => gap + margin > 0 && (mining !== 'semi-hard' || gap < 0))
      .map((gap) => gap + margin)
  })
  const total = violations.reduce((a, b) => a + b, 0)
  return { loss: total / Math.max(violations.length, 1), count: violations.length }
}

const by =
  (mining: TripletMining): Loss =>
  (x, refs, p, n) =>
    tripletLoss(x, refs, p, n, { mining })
const kinds = ['hard', 'semi-hard', 'all'] as const

describe('tripletLoss', () => {
  it.each(kinds)('has the value and slopes of its definition over %s triplets', async (mining) => {
    const rows = asFloat32(unitRows(12, 4, 1))
    const pairs = pairSets([...blockLabels(3, 3), 3, 3, 4])
    const expected = oracle(ownCosines(rows), pairs, mining)
    const slopes = rises(ownCosines(rows), (s) => oracle(s, pairs, mining).loss)
    const result = await evaluate(by(mining), rows, pairs)
    expect(expected.count).toBeGreaterThan(3)
    expect(result.loss / expected.loss).toBeCloseTo(1, 5)
    expectWithin(result.gradient, rowSlopes(slopes, rows), 1e-4)
  })

  it.each(kinds)('is the sum of its anchors by the batch over %s triplets', async (mining) => {
    const { loss, pos, valid } = await evaluate(
      by(mining),
      unitRows(7, 4, 2),
      pairSets([0, 0, 0, 1, 1, 1, 2]),
    )
    expect(pos.reduce((a, b) => a + b, 0) / 7).toBeCloseTo(loss, 5)
    expect([pos[6], valid[6]]).toEqual([0, 0])
  })

  it('has no slope between equal rows', async () => {
    const rows = asFloat32([
      [1, 0],
      [1, 0],
      [0.99, Math.sqrt(1 - 0.99 ** 2)], // within the margin of the two
      [0.6, 0.8],
    ])
    const pairs = pairSets([0, 0, 1, 1])
    // A step small enough to stay where the floor holds; `hard` has a tie here, which is a kink.
    const slopes = rises(ownCosines(rows), (s) => oracle(s, pairs, 'all').loss, 1e-7)
    const result = await evaluate(by('all'), rows, pairs)
    expectWithin(result.gradient, rowSlopes(slopes, rows), 1e-4)
  })

  it.each(kinds)('has finite slopes for exact duplicates over %s triplets', async (mining) => {
    const rows = [...unitRows(3, 4, 3), ...unitRows(3, 4, 3)]
    const result = await evaluate(by(mining), rows, pairSets([0, 0, 0, 1, 1, 1]))
    expect([result.loss, ...result.gradient.flat()].every(Number.isFinite)).toBe(true)
  })

  it.each(kinds)('is not finite with a row that is not, over %s triplets', async (mining) => {
    const rows = [[Number.NaN, 0], ...unitRows(5, 2, 5)]
    expect((await evaluate(by(mining), rows, pairSets(blockLabels(2, 3)))).loss).toBeNaN()
  })

  it.each([
    ['there is one cluster', [0, 0, 0]],
    ['every row is its own cluster', [0, 1, 2]],
  ])('is zero with zero gradients when %s', async (_, labels) => {
    for (const mining of kinds) {
      const result = await evaluate(by(mining), unitRows(3, 2, 3), pairSets(labels))
      expect([result.loss, ...result.gradient.flat()].map(Math.abs)).toEqual(new Array(7).fill(0))
    }
  })

  it('turns to hard triplets after a start with semi-hard ones', () => {
    expect([0, 49, 50].map((step) => tripletMiningAt(step))).toEqual([
      'semi-hard',
      'semi-hard',
      'hard',
    ])
  })

  it.each(kinds)('leaves only its results alive over %s triplets', (mining) => {
    const x = tensor(unitRows(4, 2, 7))
    const { positives, negatives } = pairMasks(Int32Array.from([0, 0, 1, 1]))
    const before = tf.memory().numTensors
    tripletLoss(x, x, positives, negatives, { mining })
    expect(tf.memory().numTensors).toBe(before + 7)
  })
})
