import { describe, expect, it } from 'vitest'
import { randomStream } from '../../lib/engine/random.ts'
import { imagesNeeded, pairedBootstrap, smallestGain } from '../../lib/metric/bootstrap.ts'

const normals = (n: number, mean: number, seed: number) => {
  const random = randomStream(seed, 'differences')
  return Float32Array.from({ length: n }, () => mean + random.normal())
}

describe('pairedBootstrap', () => {
  it('gives the interval of the textbook for independent normal differences', () => {
    const difference = normals(400, 0.2, 1)
    const { mean, low, high, sd } = pairedBootstrap(difference, undefined)
    const standardError = sd / Math.sqrt(400)
    // 2,000 draws place a 2.5 % percentile within about a twentieth of a standard error.
    expect((mean - low) / standardError).toBeGreaterThan(1.8)
    expect((mean - low) / standardError).toBeLessThan(2.12)
    expect((high - mean) / standardError).toBeGreaterThan(1.8)
    expect((high - mean) / standardError).toBeLessThan(2.12)
  })

  it('is twice as wide when every picture comes four times', () => {
    const once = normals(100, 0, 2)
    const fourTimes = Float32Array.from(
      { length: 400 },
      (_, i) => once[Math.floor(i / 4)] as number,
    )
    const groups = Int32Array.from({ length: 400 }, (_, i) => Math.floor(i / 4))
    const naive = pairedBootstrap(fourTimes, undefined)
    const honest = pairedBootstrap(fourTimes, groups)
    const ratio = (honest.high - honest.low) / (naive.high - naive.low)
    // Exactly 2 with endless draws.
    expect(ratio).toBeGreaterThan(1.8)
    expect(ratio).toBeLessThan(2.2)
  })

  it('weighs groups by their size', () => {
    const { mean } = pairedBootstrap(Float32Array.of(1, 1, 1, 0), Int32Array.of(3, 3, 3, 8))
    expect(mean).toBe(0.75)
  })

  it('has mean and sample deviation worked out by hand', () => {
    const { mean, sd } = pairedBootstrap(Float32Array.of(1, 2, 3, 6), undefined)
    expect(mean).toBe(3)
    expect(sd).toBeCloseTo(Math.sqrt(14 / 3), 12)
  })

  it('repeats itself for one seed and moves a little with another', () => {
    const difference = normals(50, 0, 3)
    const first = pairedBootstrap(difference, undefined, { seed: 5 })
    expect(pairedBootstrap(difference, undefined, { seed: 5 })).toEqual(first)
    expect(pairedBootstrap(difference, undefined, { seed: 6 }).low).not.toBe(first.low)
  })

  it('has no width when nothing differs', () => {
    const { low, high, sd } = pairedBootstrap(new Float32Array(20), undefined)
    expect([low, high, sd]).toEqual([0, 0, 0])
  })

  it('covers the true mean about as often as it says', () => {
    const covered = Array.from({ length: 200 }, (_, seed) => {
      const { low, high } = pairedBootstrap(normals(60, 0.3, seed), undefined, { draws: 400 })
      return low <= 0.3 && 0.3 <= high
    }).filter(Boolean).length
    // 95 % of 200 with a standard deviation of 3, less the known shortfall at 60 values.
    expect(covered).toBeGreaterThan(178)
    expect(covered).toBeLessThan(200)
  })

  it('refuses what has no mean', () => {
    expect(() => pairedBootstrap(new Float32Array(0), undefined)).toThrow('got none')
    expect(() => pairedBootstrap(Float32Array.of(1, Number.NaN), undefined)).toThrow('got NaN')
    expect(() => pairedBootstrap(Float32Array.of(1, 2), Int32Array.of(1))).toThrow(
      'length 2, got 1',
    )
  })
})

describe('imagesNeeded', () => {
  it('is the probe size whose smallest visible gain is the gain', () => {
    expect(imagesNeeded(0.1)).toBe(784)
    expect(smallestGain(0.1, 784)).toBeCloseTo(0.01, 12)
    expect(imagesNeeded(0.1, 0.02)).toBe(196)
  })
})
