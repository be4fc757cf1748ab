import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { PairLossParams } from '../../lib/loss/options.ts'
import { oracleMining, oraclePairLoss, type PairSets, type Rows } from '../../lib/loss/oracle.ts'
import { lossPresets } from '../../lib/loss/presets.ts'
import { expectedGolden, golden } from '../fixtures/loss/golden.ts'
import { multiSimilarity } from '../fixtures/loss/multi-similarity.ts'
import { at, farthest, ownCosines, pairSets, rises, unitRows } from './support.ts'

const { calibrated, paper } = lossPresets
const named = [...Object.entries(lossPresets), ['wide', { ...calibrated, bN: 0.1, lambda: 1 }]] as [
  string,
  PairLossParams,
][]

/** Random batches: rows, labels of two to four clusters, and their similarities. */
const batches = fc
  .record({
    labels: fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 4, maxLength: 9 }),
    dim: fc.integer({ min: 2, max: 6 }),
    seed: fc.integer({ min: 0, max: 1e6 }),
    shift: fc.constantFrom(0, 0.5),
  })
  .map(({ labels, dim, seed, shift }) => ({
    labels,
    pairs: pairSets(labels),
    similarities: ownCosines(unitRows(labels.length, dim, seed, shift)),
  }))

const pick = (row: readonly number[] | undefined, mask: readonly number[] | undefined): number[] =>
  (row ?? []).filter((_, j) => mask?.[j] === 1)
const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length
const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0)

describe('oraclePairLoss', () => {
  it.each(Object.keys(expectedGolden))('agrees with the golden fixture under %s', (name) => {
    const { params, loss, pos, neg, variance, slope01, slope03 } = expectedGolden[name] as never
    const result = oraclePairLoss(golden.similarities, golden.pairs, params)
    expect(result.loss).toBeCloseTo(loss, 9)
    expect(result.pos[0]).toBeCloseTo(pos, 6)
    expect(result.neg[0]).toBeCloseTo(neg, 6)
    if (variance !== undefined) expect(result.variance[0]).toBeCloseTo(variance, 6)
    expect(at(result.slopes, 0, 1)).toBeCloseTo(slope01, 8)
    expect(at(result.slopes, 0, 3)).toBeCloseTo(slope03, 8)
    expect([result.minedPositives, result.minedNegatives]).toEqual([8, 11])
    expect(result.valid).toEqual([true, true, true, true, true, false])
  })

  it.each(named)('has slopes that are its rise while mining is held, under %s', (_, params) => {
    fc.assert(
      fc.property(batches, ({ similarities, pairs }) => {
        const mined = oracleMining(similarities, pairs, params.margin)
        const loss = (s: Rows) => oraclePairLoss(s, pairs, params, mined).loss
        const { slopes } = oraclePairLoss(similarities, pairs, params, mined)
        // Slopes of `paper` reach 100: the difference quotient itself errs with their third power.
        const scale = Math.max(1, ...slopes.flat().map(Math.abs))
        expect(farthest(slopes, rises(similarities, loss))).toBeLessThan(1e-6 * scale ** 2)
      }),
      { seed: 7, numRuns: 40 },
    )
  })

  it.each(['sum', 'mean', 'meanRef'] as const)(
    'has a variance term of own spread and gap of means, reduced by %s',
    (reduction) => {
      const params = { ...calibrated, gamma: 0.3, reduction }
      fc.assert(
        fc.property(batches, ({ similarities, pairs }) => {
          const { variance, valid } = oraclePairLoss(similarities, pairs, params)
          for (const [i, row] of similarities.entries()) {
            if (!valid[i]) continue
            const [p, n] = [pick(row, pairs.positives[i]), pick(row, pairs.negatives[i])]
            const spread = mean(n.map((s) => (s - mean(n)) ** 2))
            const c = { sum: 1, mean: 1 / n.length, meanRef: 112 / n.length }[reduction]
            const expected = c * n.length * (spread + (0.3 * (mean(p) - mean(n))) ** 2)
            expect(variance[i]).toBeCloseTo(expected, 10)
          }
        }),
        { seed: 11 },
      )
    },
  )

  it('keeps its variance term when all similarities of a row shift', () => {
    const params: PairLossParams = { ...paper, lambda: 1 }
    fc.assert(
      fc.property(batches, fc.double({ min: -0.3, max: 0.3, noNaN: true }), (batch, shift) => {
        const { similarities, pairs } = batch
        const mined = oracleMining(similarities, pairs, params.margin)
        const moved = similarities.map((row) => row.map((s) => s + shift))
        const before = oraclePairLoss(similarities, pairs, params, mined)
        const after = oraclePairLoss(moved, pairs, params, mined)
        for (const [i, v] of before.variance.entries()) expect(after.variance[i]).toBeCloseTo(v, 10)
        const without = oraclePairLoss(similarities, pairs, { ...params, lambda: 0 }, mined)
        for (const [i, row] of before.slopes.entries()) {
          const ofVariance = row.map((g, j) => g - at(without.slopes, i, j))
          expect(sum(ofVariance)).toBeCloseTo(0, 10)
        }
      }),
      { seed: 13 },
    )
  })

  it('bounds the slopes of the pair part by one on each side when weights follow temperatures', () => {
    const params = { ...calibrated, lambda: 0 }
    fc.assert(
      fc.property(batches, ({ similarities, pairs }) => {
        const mined = oracleMining(similarities, pairs, params.margin)
        const { slopes, valid } = oraclePairLoss(similarities, pairs, params)
        const share = (z: number[]) => 1 - 1 / (1 + sum(z.map(Math.exp)))
        for (const [i, row] of similarities.entries()) {
          if (!valid[i]) continue
          const scaled = (slopes[i] as number[]).map((g) => g * similarities.length)
          const a = pick(row, mined.positives[i]).map((s) => -(s - params.aP) / params.bP)
          const c = pick(row, mined.negatives[i]).map((s) => (s - params.aN) / params.bN)
          expect(sum(pick(scaled, pairs.positives[i]))).toBeCloseTo(-share(a), 10)
          expect(sum(pick(scaled, pairs.negatives[i]))).toBeCloseTo(share(c), 10)
        }
      }),
      { seed: 17 },
    )
  })

  it('equals the published multi-similarity loss and miner', () => {
    fc.assert(
      fc.property(batches, ({ similarities, labels, pairs }) => {
        const ours = oraclePairLoss(similarities, pairs, lossPresets['multi-similarity'])
        const published = multiSimilarity(similarities, labels, { alpha: 2, beta: 40, base: 0.5 })
        expect(ours.loss).toBeCloseTo(published.loss, 12)
        expect(farthest(ours.slopes, published.slopes)).toBeLessThan(1e-12)
      }),
      { seed: 19 },
    )
  })

  it('scales its pair terms with their weights', () => {
    fc.assert(
      fc.property(batches, ({ similarities, pairs }) => {
        const following = oraclePairLoss(similarities, pairs, calibrated)
        const unit = oraclePairLoss(similarities, pairs, { ...calibrated, kappaP: 1, kappaN: 1 })
        for (const [i, t] of unit.pos.entries())
          expect(following.pos[i]).toBeCloseTo(calibrated.bP * t, 12)
        for (const [i, t] of unit.neg.entries())
          expect(following.neg[i]).toBeCloseTo(calibrated.bN * t, 12)
      }),
      { seed: 23 },
    )
  })

  it('reduces to the sum at the reference number of negatives', () => {
    const labels = Array.from({ length: 114 }, (_, i) => (i < 2 ? 0 : 1)) // 112 negatives of row 0
    const similarities = ownCosines(unitRows(labels.length, 8, 29))
    const variance = (reduction: 'sum' | 'meanRef') =>
      oraclePairLoss(similarities, pairSets(labels), { ...paper, reduction }).variance[0]
    expect(variance('meanRef')).toBeCloseTo(variance('sum') as number, 10)
  })

  it('mines both sides of an anchor or neither, by whether it clears the margin', () => {
    fc.assert(
      fc.property(batches, ({ similarities, pairs }) => {
        const mined = oracleMining(similarities, pairs, 0.1)
        for (const [i, row] of similarities.entries()) {
          const [p, n] = [pick(row, pairs.positives[i]), pick(row, pairs.negatives[i])]
          if (p.length === 0 || n.length === 0) continue
          const gap = Math.min(...p) - Math.max(...n)
          if (Math.abs(gap - 0.1) < 1e-9) continue // rounding may part the two
          const none = (sets: Rows) => sum([...(sets[i] ?? [])]) === 0
          expect([none(mined.positives), none(mined.negatives)]).toEqual([gap >= 0.1, gap >= 0.1])
        }
      }),
      { seed: 31 },
    )
  })

  it('does not depend on the order of the batch', () => {
    fc.assert(
      fc.property(batches, fc.infiniteStream(fc.nat()), ({ similarities, labels, pairs }, keys) => {
        const drawn = [...keys.take(labels.length)]
        const order = labels.map((_, i) => i).sort((a, b) => (drawn[a] ?? 0) - (drawn[b] ?? 0))
        const permuted = (rows: Rows) => order.map((i) => order.map((j) => at(rows, i, j)))
        const moved: PairSets = pairSets(order.map((i) => labels[i] as number))
        const before = oraclePairLoss(similarities, pairs, calibrated)
        const after = oraclePairLoss(permuted(similarities), moved, calibrated)
        expect(after.loss).toBeCloseTo(before.loss, 12)
        expect(farthest(after.slopes, permuted(before.slopes))).toBeLessThan(1e-12)
      }),
      { seed: 37 },
    )
  })
})
