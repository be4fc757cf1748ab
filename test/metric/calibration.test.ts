import { describe, expect, it } from 'vitest'
import { randomStream } from '../../lib/engine/random.ts'
import { tf } from '../../lib/engine/tf.ts'
import { calibrate, pairSimilarities, probabilitySame } from '../../lib/metric/calibration.ts'
import { cosine, listOf, unitRows } from './rows.ts'

const normals = (n: number, mean: number, sd: number) => {
  const random = randomStream(3, mean)
  return Float32Array.from({ length: n }, () => mean + sd * random.normal())
}

describe('calibrate', () => {
  it('gives the values worked out by hand', () => {
    const found = calibrate({
      same: Float32Array.of(0.75, 0.5),
      different: Float32Array.of(0, 0.25),
    })
    // Means .625 and .125, variance 1/64, gap 1/2, as many of both kinds.
    expect(found).toMatchObject({ meanSame: 0.625, meanDifferent: 0.125, variance: 1 / 64 })
    expect(found).toMatchObject({ alpha: 0.375, beta: 1 / 32, prior: 0.5, pairsSame: 2 })
  })

  it('recovers the probability of two Gaussians, prior included', () => {
    const [mean, other, sd] = [0.6, 0.1, 0.12]
    const pairs = { same: normals(5000, mean, sd), different: normals(45_000, other, sd) }
    const found = calibrate(pairs)
    expect(found).toBeDefined()
    if (found === undefined) return
    for (const s of [0.3, 0.4, 0.5, 0.6]) {
      const density = (m: number, share: number) =>
        share * Math.exp(-((s - m) ** 2) / (2 * sd ** 2))
      const same = density(mean, 0.1)
      // 5,000 samples place the mean to about .002, which moves P by up to .02.
      expect(
        Math.abs(probabilitySame(s, found) - same / (same + density(other, 0.9))),
      ).toBeLessThan(0.03)
    }
  })

  it('takes another prior than the share of the pairs', () => {
    const pairs = { same: normals(50, 0.6, 0.1), different: normals(950, 0.1, 0.1) }
    const [rare, even] = [calibrate(pairs), calibrate(pairs, { prior: 0.5 })]
    expect(even?.alpha).toBeLessThan(rare?.alpha as number)
    expect(even?.alpha).toBeCloseTo(((even?.meanSame ?? 0) + (even?.meanDifferent ?? 0)) / 2, 12)
  })

  it('has no answer without both kinds, or when same pairs are less similar', () => {
    const [some, none] = [Float32Array.of(0.5), new Float32Array(0)]
    expect(calibrate({ same: none, different: some })).toBeUndefined()
    expect(calibrate({ same: some, different: none })).toBeUndefined()
    expect(calibrate({ same: Float32Array.of(0.1), different: some })).toBeUndefined()
  })

  it('stays finite when cosines do not vary', () => {
    const found = calibrate({ same: Float32Array.of(1, 1), different: Float32Array.of(0) })
    expect(found?.beta).toBe(1e-3)
  })

  it('names a prior that is none', () => {
    const pairs = { same: Float32Array.of(1), different: Float32Array.of(0) }
    expect(() => calibrate(pairs, { prior: 1 })).toThrow('prior must lie in (0, 1), got 1')
  })
})

describe('pairSimilarities', () => {
  it('takes every pair once, by label', async () => {
    const rows = unitRows(7, 4, 1)
    const list = listOf(rows)
    const labels = Int32Array.of(0, 1, 0, 2, 1, 0, 9)
    const before = tf.memory().numTensors
    const { same, different } = await pairSimilarities(rows, labels, { chunkBytes: 8 * 7 * 3 })
    expect(tf.memory().numTensors).toBe(before)
    expect([same.length, different.length]).toEqual([4, 17])
    expect(same[0]).toBeCloseTo(cosine(list[0] as number[], list[2] as number[]), 5)
    expect(different[0]).toBeCloseTo(cosine(list[0] as number[], list[1] as number[]), 5)
  })
})
