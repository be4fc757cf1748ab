import { describe, expect, it } from 'vitest'
import { checkStart, profileOf } from '../../lib/learn/start-rule.ts'
import type { DriftState, LearnerState } from '../../lib/learn/state.ts'
import { learnerWith, matrixOf } from './states.ts'

const standard = { profile: 'standard' } as const

const alarmed = (state: LearnerState, sum: number): LearnerState => {
  const level = { expected: 0, deviation: 1, threshold: 2, sum }
  const drift: DriftState = { centroids: matrixOf([[1]]), mean: Float32Array.of(0), ...level }
  return { ...state, drift }
}

describe('profileOf', () => {
  const applied = (count: number) => {
    const state = learnerWith(1)
    return { ...state, seen: { ...state.seen, applied: count } }
  }

  it('is small until two thousand pictures have come in', () => {
    expect(profileOf(applied(1_999), {})).toBe('small')
    expect(profileOf(applied(2_000), {})).toBe('standard')
  })

  it('is what is asked for', () => {
    expect(profileOf(applied(5), standard)).toBe('standard')
  })
})

describe('checkStart', () => {
  it('waits for enough buffered pictures, whatever is new', () => {
    expect(checkStart(learnerWith(119))).toMatchObject({ starts: false, mayStart: false })
    expect(checkStart(learnerWith(120))).toMatchObject({ starts: true, mayStart: true })
    expect(checkStart(learnerWith(499), standard).mayStart).toBe(false)
    expect(checkStart(learnerWith(500), standard).starts).toBe(true)
  })

  it('wants four pictures a cluster', () => {
    const check = checkStart(learnerWith(500), { ...standard, k: 200 })
    expect(check).toMatchObject({ starts: false, neededBuffered: 800, buffered: 500 })
  })

  it('waits until the least interval since the last start is over, and says for how long', () => {
    const at = (now: number) =>
      checkStart(learnerWith(200), { minInterval: 60_000 }, { now, lastStart: 100_000 })
    expect(at(130_000)).toMatchObject({ starts: false, mayStart: true, waitMs: 30_000 })
    expect(at(160_000)).toMatchObject({ starts: true, waitMs: 0 })
    const first = checkStart(learnerWith(200), { minInterval: 60_000 })
    expect(first).toMatchObject({ starts: true, waitMs: 0 })
  })

  it('does not wait on a clock that was set back', () => {
    const times = { now: 1_000, lastStart: 9e12 }
    expect(checkStart(learnerWith(200), { minInterval: 60_000 }, times).starts).toBe(true)
  })

  it('waits for new pictures after a round, though a command may start one', () => {
    const waiting = checkStart(learnerWith(600, 345), standard)
    expect(waiting).toMatchObject({ starts: false, mayStart: true, fresh: 255, neededFresh: 256 })
    expect(checkStart(learnerWith(600, 344), standard).starts).toBe(true)
    expect(checkStart(learnerWith(200, 81)).starts).toBe(false)
    expect(checkStart(learnerWith(200, 80)).starts).toBe(true)
  })

  it('wants a tenth of a large buffer to be new', () => {
    expect(checkStart(learnerWith(4_001, 1), standard).neededFresh).toBe(401)
  })

  it('takes a drift alarm in place of new pictures, unless told not to', () => {
    const state = learnerWith(600, 600)
    expect(checkStart(alarmed(state, 2), standard).starts).toBe(false)
    expect(checkStart(alarmed(state, 2.1), standard).starts).toBe(true)
    expect(checkStart(alarmed(state, 2.1), { ...standard, onDrift: false }).starts).toBe(false)
    expect(checkStart(alarmed(learnerWith(100), 9), standard).starts).toBe(false)
  })

  it('keeps to the numbers given', () => {
    expect(checkStart(learnerWith(10, 7), { buffered: 10, fresh: 3 }).starts).toBe(true)
    expect(checkStart(learnerWith(10, 8), { buffered: 10, fresh: 3 }).starts).toBe(false)
  })
})
