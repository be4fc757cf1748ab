import { describe, expect, it } from 'vitest'
import { randomStream } from '../../lib/engine/random.ts'
import {
  fitMapAxes,
  type Landmarks,
  landmarkSample,
  maxLandmarks,
  pointsOf,
} from '../../lib/search/map-axes.ts'
import { blockOf } from '../../lib/search/seal.ts'
import { idOf, unitRows } from './support.ts'

const dim = 6
/** Pictures that vary most along the first number, then along the second one. */
function flat(n: number, seed = 1): Landmarks {
  const random = randomStream(seed, 'map')
  const data = Float32Array.from({ length: n * dim }, (_, i) => {
    const spread = [3, 1, 0.01, 0.01, 0.01, 0.01][i % dim] as number
    return 5 + spread * (random.uniform() - 0.5)
  })
  return { ids: Array.from({ length: n }, (_, i) => idOf(i)), vectors: { rows: n, dim, data } }
}
/** The same pictures, their space turned by a quarter in each pair of numbers. */
function turned({ ids, vectors }: Landmarks): Landmarks {
  const data = vectors.data.map((_, i) => {
    return i % 2 === 0 ? -(vectors.data[i + 1] as number) : (vectors.data[i - 1] as number)
  })
  return { ids, vectors: { ...vectors, data } }
}

describe('fitMapAxes', () => {
  it('shows the two directions in which pictures vary most, around the middle', () => {
    const landmarks = flat(200)
    const { x, y } = pointsOf(landmarks.vectors, fitMapAxes(landmarks))
    const column = (i: number) =>
      landmarks.ids.map((_, row) => landmarks.vectors.data[row * dim + i])
    for (const [points, i] of [
      [x, 0],
      [y, 1],
    ] as const) {
      const mean = points.reduce((sum, value) => sum + value, 0) / points.length
      expect(mean).toBeCloseTo(0, 5)
      const first = column(i)
      const same = points.map((value, row) => Math.abs(value) - Math.abs((first[row] ?? 0) - 5))
      expect(Math.max(...same.map(Math.abs))).toBeLessThan(0.2)
    }
  })

  it('lays a turned space onto the map before, each picture where it was', () => {
    const landmarks = flat(300)
    const axes = fitMapAxes(landmarks)
    const shifted = pointsOf(landmarks.vectors, { ...axes, offset: [7, -2] })
    const before = { ids: landmarks.ids, x: shifted.x, y: shifted.y.map((value) => -value) }
    const next = turned(landmarks)
    const after = pointsOf(next.vectors, fitMapAxes(next, before))
    for (const row of [0, 17, 299]) {
      expect(after.x[row]).toBeCloseTo(before.x[row] as number, 3)
      expect(after.y[row]).toBeCloseTo(before.y[row] as number, 3)
    }
    // Without it the same pictures lie elsewhere.
    const alone = pointsOf(next.vectors, fitMapAxes(next))
    expect(Math.abs((alone.x[0] as number) - (before.x[0] as number))).toBeGreaterThan(1)
  })

  it('lies by itself where too few pictures are on both maps', () => {
    const landmarks = flat(50)
    const strangers = { ids: ['a', 'b', 'c'], x: new Float32Array(3), y: new Float32Array(3) }
    expect(fitMapAxes(landmarks, strangers)).toEqual(fitMapAxes(landmarks))
  })
})

it('takes the same pictures as landmarks whatever the order of blocks', () => {
  const n = maxLandmarks + 500
  const vectors = unitRows(n, dim, 3)
  const rows = Array.from({ length: n }, (_, i) => ({
    id: idOf(i),
    at: i,
    vector: vectors.data.slice(i * dim, (i + 1) * dim),
  }))
  const blocks = [rows.slice(0, 900), rows.slice(900)].map((some) => blockOf(some, dim))
  const samples = [blocks, blocks.toReversed()].map((some) => {
    const sample = landmarkSample(dim)
    for (const block of some) sample.add(block)
    return sample.landmarks()
  })
  expect(samples[0]?.ids).toHaveLength(maxLandmarks)
  expect(samples[0]).toEqual(samples[1])
  const smallest = rows.map(({ id }) => id).sort()
  expect(samples[0]?.ids).toEqual(smallest.slice(0, maxLandmarks))
})
