import { expect, it } from 'vitest'
import { type TrackedCentroid, trackCentroid } from '../../lib/cluster/track.ts'
import { ShapeError } from '../../lib/errors.ts'

const start: TrackedCentroid = { centroid: Float32Array.of(1, 0), count: 10 }
const north = Float32Array.of(0, 1)

it('weighs old and new members as the formula does', () => {
  const { centroid, count } = trackCentroid(start, [north, north], { halfLife: 1 })
  // a = 1/2: 5 old members and 2 new ones, sum (5, 2)
  expect(count).toBe(7)
  expect(centroid[0]).toBeCloseTo(5 / Math.sqrt(29), 6)
  expect(centroid[1]).toBeCloseTo(2 / Math.sqrt(29), 6)
})

it('halves the weight of a member in the updates of one half-life', () => {
  let tracked = start
  for (let i = 0; i < 50; i += 1) tracked = trackCentroid(tracked, [])
  expect(tracked.count).toBeCloseTo(5, 9)
  expect([...tracked.centroid]).toEqual([1, 0])
})

it('keeps a unit vector and follows where its members go', () => {
  let tracked = start
  for (let i = 0; i < 400; i += 1) tracked = trackCentroid(tracked, [north])
  expect(Math.hypot(...tracked.centroid)).toBeCloseTo(1, 6)
  expect(tracked.centroid[1]).toBeGreaterThan(0.999)
})

it('does not change the state it is given', () => {
  trackCentroid(start, [north])
  expect([...start.centroid]).toEqual([1, 0])
})

it('stays where it is when its members cancel it out', () => {
  const { centroid } = trackCentroid({ ...start, count: 0 }, [north, Float32Array.of(0, -1)])
  expect([...centroid]).toEqual([1, 0])
})

it('refuses a member of another dim', () => {
  expect(() => trackCentroid(start, [Float32Array.of(1, 0, 0)])).toThrow(ShapeError)
})
