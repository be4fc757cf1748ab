import { describe, expect, it } from 'vitest'
import { randomStream } from '../../lib/engine/random.ts'
import { driftRatio, observe, surprise, watchDrift } from '../../lib/learn/drift.ts'
import { matrixOf } from './states.ts'

const reference = {
  centroids: matrixOf([
    [1, 0],
    [0, 1],
  ]),
  mean: Float32Array.of(0.5, 0.5),
}

/** A row at `angle` from the first centroid, seen from the mean. */
const rowAt = (angle: number) =>
  Float32Array.of(0.5 + 2 * Math.cos(angle), 0.5 + 2 * Math.sin(angle))

/** Angles around the first centroid, as in the reference pictures. */
function angles(count: number, purpose: string): number[] {
  const random = randomStream(4, purpose)
  return Array.from({ length: count }, () => 0.3 * random.normal())
}

const watch = () =>
  watchDrift(
    reference,
    angles(400, 'reference').map((angle) => surprise(reference, rowAt(angle))),
    1,
  )

describe('surprise', () => {
  it('is one minus the cosine of the centred row with the nearest centroid', () => {
    expect(surprise(reference, rowAt(0))).toBeCloseTo(0, 6)
    expect(surprise(reference, rowAt(0.4))).toBeCloseTo(1 - Math.cos(0.4), 6)
    expect(surprise(reference, rowAt(Math.PI / 2))).toBeCloseTo(0, 6)
    expect(surprise(reference, rowAt(1.25 * Math.PI))).toBeCloseTo(1 + Math.SQRT1_2, 6)
  })

  it('is one, not NaN, for the mean itself', () => {
    expect(surprise(reference, reference.mean)).toBe(1)
  })
})

describe('watchDrift and observe', () => {
  it('learn what surprise is usual', () => {
    const drift = watchDrift(reference, [0.1, 0.3], 1)
    expect(drift.expected).toBeCloseTo(0.2, 10)
    expect(drift.deviation).toBeCloseTo(0.1, 10)
    expect(drift.sum).toBe(0)
  })

  it('add what exceeds the usual by half a deviation, and never fall below nothing', () => {
    const drift = watchDrift(reference, [0.1, 0.3], 1)
    const once = observe(drift, rowAt(Math.PI))
    expect(once.sum).toBeCloseTo(1 - 0.25, 6)
    expect(observe(once, rowAt(0)).sum).toBeCloseTo(0.5, 6)
    expect(observe(drift, rowAt(0)).sum).toBe(0)
  })

  it('sound no alarm on ten thousand pictures of the same stream', () => {
    let drift = watch()
    let highest = 0
    for (const angle of angles(10_000, 'same')) {
      drift = observe(drift, rowAt(angle))
      highest = Math.max(highest, driftRatio(drift))
    }
    expect(highest).toBeLessThan(1)
    expect(highest).toBeGreaterThan(0.2)
  })

  it('sound the alarm soon after the pictures change', () => {
    let drift = watch()
    let seen = 0
    for (; driftRatio(drift) <= 1 && seen < 100; seen += 1) drift = observe(drift, rowAt(Math.PI))
    expect(seen).toBeLessThan(10)
  })

  it('repeat themselves for the same seed', () => {
    expect(watch()).toEqual(watch())
  })
})

it('sounds no alarm where the reference has no variety to measure by', () => {
  // Means of equal numbers round either way; one picture of another kind is no drift.
  for (let surprised = 0.01; surprised < 1; surprised += 0.01) {
    for (const count of [3, 7, 50]) {
      const equal = watchDrift(reference, Array<number>(count).fill(surprised), 1)
      const nearly = watchDrift(reference, [surprised, surprised + 1e-7, surprised - 1e-7], 1)
      for (const drift of [equal, nearly]) {
        expect(driftRatio(observe(drift, rowAt(Math.PI)))).toBe(0)
      }
    }
  }
})

it('reports no drift where nothing is watched', () => {
  expect(driftRatio(undefined)).toBe(0)
  expect(driftRatio(watchDrift(reference, [0.2, 0.2], 1))).toBe(0)
})
