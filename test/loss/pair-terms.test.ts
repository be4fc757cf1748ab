import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Tensor2D, tf } from '../../lib/engine/tf.ts'
import type { PairLossParams } from '../../lib/loss/options.ts'
import { oraclePairLoss, type PairSets, type Rows } from '../../lib/loss/oracle.ts'
import { pairTerms } from '../../lib/loss/pair-terms.ts'
import { lossPresets } from '../../lib/loss/presets.ts'
import { expectedGolden, golden } from '../fixtures/loss/golden.ts'
import {
  asFloat32,
  at,
  blockLabels,
  expectWithin,
  ownCosines,
  pairSets,
  tensor,
  unitRows,
} from './support.ts'

const { calibrated, paper } = lossPresets

/** The kernel on given similarities, read back. */
async function terms(similarities: Rows, pairs: PairSets, params: PairLossParams) {
  const made = tf.tidy(() =>
    pairTerms(tensor(similarities), tensor(pairs.positives), tensor(pairs.negatives), params),
  )
  const list = async (t: keyof typeof made) => [...(await made[t].data())]
  const read = {
    loss: (await list('loss'))[0] as number,
    pos: await list('pos'),
    neg: await list('neg'),
    variance: await list('variance'),
    valid: (await list('valid')).map((v) => v === 1),
    minedPositives: (await list('minedPositives'))[0],
    minedNegatives: (await list('minedNegatives'))[0],
    slopes: await (made.slopes as Tensor2D).array(),
  }
  tf.dispose(made)
  return read
}

/** Similarities of a narrow or a wide batch with a singleton cluster among its labels. */
const similar = (seed: number, shift: number) =>
  asFloat32(ownCosines(unitRows(40, 16, seed, shift)))
const labels = [...blockLabels(13, 3), 99]

describe('pairTerms', () => {
  it.each(Object.keys(expectedGolden))('agrees with the golden fixture under %s', async (name) => {
    const expected = expectedGolden[name] as (typeof expectedGolden)[string]
    const result = await terms(golden.similarities, golden.pairs, expected.params)
    expect(result.loss / expected.loss).toBeCloseTo(1, 5)
    expect(result.pos[0]).toBeCloseTo(expected.pos, 5)
    expect(result.neg[0]).toBeCloseTo(expected.neg, 5)
    expect(result.variance[0]).toBeCloseTo(expected.variance, 5)
    expect(at(result.slopes, 0, 1)).toBeCloseTo(expected.slope01, 5)
    expect(at(result.slopes, 0, 3)).toBeCloseTo(expected.slope03, 5)
    expect([result.minedPositives, result.minedNegatives]).toEqual([8, 11])
    expect(result.valid).toEqual([true, true, true, true, true, false])
  })

  // Slopes of `paper` reach 100 and err with exponents of 100: three ten-thousandths of the largest.
  it.each([
    ['calibrated', calibrated, 1e-4],
    ['multi-similarity', lossPresets['multi-similarity'], 1e-4],
    ['paper', paper, 3e-4],
    ['paper, reduced to a reference', { ...paper, reduction: 'meanRef' as const }, 3e-4],
  ])('agrees with the oracle under %s', async (_, params, share) => {
    for (const shift of [0, 0.5, 2]) {
      const similarities = similar(3, shift)
      const expected = oraclePairLoss(similarities, pairSets(labels), params)
      const result = await terms(similarities, pairSets(labels), params)
      expect(result.loss / expected.loss).toBeCloseTo(1, 5)
      expectWithin(result.slopes, expected.slopes, share)
      expectWithin([result.pos, result.neg], [expected.pos, expected.neg], 1e-5)
      expectWithin([result.variance], [expected.variance], 1e-5)
      expect(result.valid).toEqual(expected.valid)
      expect(result.minedPositives).toBe(expected.minedPositives)
      expect(result.minedNegatives).toBe(expected.minedNegatives)
    }
  })

  it('agrees with the oracle for any settings that adaptive thresholds can take', async () => {
    const level = fc.double({ min: -0.2, max: 0.95, noNaN: true })
    const width = fc.double({ min: 0.02, max: 0.5, noNaN: true })
    const settings = fc.record({
      aP: level,
      bP: width,
      aN: level,
      bN: width,
      margin: fc.double({ min: 0, max: 0.5, noNaN: true }),
      lambda: fc.double({ min: 0, max: 2, noNaN: true }),
      gamma: fc.double({ min: 0, max: 1, noNaN: true }),
      reduction: fc.constantFrom('sum' as const, 'mean' as const, 'meanRef' as const),
    })
    await fc.assert(
      fc.asyncProperty(settings, fc.nat(1e6), async (params, seed) => {
        const similarities = similar(seed, 0.3)
        const expected = oraclePairLoss(similarities, pairSets(labels), params)
        const result = await terms(similarities, pairSets(labels), params)
        expect(Math.abs(result.loss - expected.loss)).toBeLessThanOrEqual(1e-5 * expected.loss)
        expectWithin(result.slopes, expected.slopes, 1e-4)
      }),
      { seed: 41, numRuns: 40 },
    )
  })

  it('sums the slopes of a side to exactly one at most, even for equal rows in two clusters', async () => {
    const all = Array.from({ length: 6 }, () => new Array<number>(6).fill(1))
    const pairs = pairSets(blockLabels(2, 3))
    const { slopes } = await terms(all, pairs, { ...calibrated, lambda: 0 })
    for (const [i, row] of slopes.entries()) {
      const ofNegatives = row.filter((_, j) => at(pairs.negatives, i, j) === 1)
      const total = 6 * ofNegatives.reduce((a, b) => a + b, 0)
      expect(total).toBeGreaterThan(0.999)
      expect(total).toBeLessThanOrEqual(1 + 1e-6) // six float32 additions
    }
  })

  it('is finite for similarities of one and minus one at every threshold', async () => {
    const sign = fc.constantFrom(-1, 1)
    const level = fc.double({ min: -1, max: 1, noNaN: true })
    const width = fc.double({ min: 1e-3, max: 1, noNaN: true })
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(sign, { minLength: 6, maxLength: 6 }), { minLength: 6, maxLength: 6 }),
        fc.record({ aP: level, bP: width, aN: level, bN: width }),
        fc.boolean(),
        async (similarities, thresholds, unit) => {
          const kappa = unit ? { kappaP: 1, kappaN: 1 } : {}
          const params = { ...calibrated, ...thresholds, ...kappa }
          const result = await terms(similarities, pairSets(blockLabels(2, 3)), params)
          const values = [result.loss, ...result.pos, ...result.neg, ...result.slopes.flat()]
          expect(values.every(Number.isFinite)).toBe(true)
        },
      ),
      { seed: 43, numRuns: 60 },
    )
  })

  it('has slopes of exactly zero where exponentials underflow', async () => {
    // Negatives of `paper` at −.5 weigh e^−150; they are mined because positives lie lower.
    const pairs = pairSets([0, 0, 1, 1])
    const low = pairs.positives.map((row) => row.map((on) => (on === 1 ? -0.9 : -0.5)))
    const { slopes, neg, minedNegatives } = await terms(low, pairs, { ...paper, lambda: 0 })
    expect(minedNegatives).toBe(8)
    expect(neg).toEqual([0, 0, 0, 0])
    for (const [i, row] of slopes.entries()) {
      for (const [j, g] of row.entries()) if (at(pairs.negatives, i, j) === 1) expect(g).toBe(0)
    }
  })

  it('leaves only its results alive', () => {
    const [s, p, n] = [tf.eye(4), tf.zeros([4, 4]), tf.ones([4, 4])] as Tensor2D[]
    const before = tf.memory().numTensors
    pairTerms(s as Tensor2D, p as Tensor2D, n as Tensor2D, calibrated)
    expect(tf.memory().numTensors).toBe(before + 8)
  })
})
