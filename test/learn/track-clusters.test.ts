import { expect, it } from 'vitest'
import type { ClusterState } from '../../lib/learn/state.ts'
import { clusterTracker } from '../../lib/learn/track-clusters.ts'
import { matrixOf } from './states.ts'

const clusters: ClusterState = {
  k: 2,
  chosenAt: 8,
  nextIdentity: 2,
  known: [
    { identity: 0, bornIn: 1, size: 4, cohesion: 0.5 },
    { identity: 1, bornIn: 1, size: 4, cohesion: 0.5 },
  ],
  model: 'model',
  centroids: matrixOf([
    [1, 0],
    [0, 1],
  ]),
  mean: Float32Array.of(0, 0),
  events: [],
}
const between = Float32Array.of(Math.SQRT1_2, Math.SQRT1_2)

it('finds the nearest cluster, and is the state given until something joins', () => {
  const tracker = clusterTracker(clusters)
  expect(tracker.nearest(Float32Array.of(0.6, 0.8))).toBe(1)
  expect(tracker.state()).toBe(clusters)
})

it('lets size and centroid follow what joins, the other cluster as it was', () => {
  const tracker = clusterTracker(clusters)
  for (let i = 0; i < 300; i += 1) tracker.join(0, between)
  const { known, centroids } = tracker.state()
  expect(known.map(({ size }) => size)).toEqual([304, 4])
  // Old members fade: the centroid is where the stream is now.
  expect(centroids.data[0]).toBeCloseTo(Math.SQRT1_2, 2)
  expect([...centroids.data.subarray(2)]).toEqual([0, 1])
  expect([...clusters.centroids.data]).toEqual([1, 0, 0, 1])
})

it('follows alike whether pictures come at once or one by one', () => {
  const whole = clusterTracker(clusters)
  let parts = clusters
  for (let i = 0; i < 5; i += 1) {
    const picture = Float32Array.of(Math.cos(i), Math.sin(i))
    whole.join(i % 2, picture)
    const part = clusterTracker(parts)
    part.join(i % 2, picture)
    parts = part.state()
  }
  expect(parts).toEqual(whole.state())
})
