import { expect, it } from 'vitest'
import { candidates, overlap } from '../../lib/cluster/overlap.ts'
import { ShapeError } from '../../lib/errors.ts'
import { toMatrix } from './blobs.ts'

const named = (labels: number[], centroids: number[][], from = 0) => ({
  ids: labels.map((_, i) => `image ${i + from}`),
  labels: Int32Array.from(labels),
  centroids: toMatrix(centroids),
})
const axes = [
  [1, 0],
  [0, 1],
]
const pairsOf = (before: ReturnType<typeof named>, after: ReturnType<typeof named>) =>
  candidates(overlap(before, after, after.ids), before.centroids, after.centroids)

it('counts the images that are shared, present and there at all', () => {
  const before = named([0, 0, 0, 1, 1], axes)
  const after = named([0, 1, 1, 1], axes, 2) // images 2 to 5
  const { present, shared, ...sizes } = overlap(before, after, after.ids)
  expect(present).toBe(3)
  expect(shared.map((row) => [...row])).toEqual([[[0, 1]], [[1, 2]]])
  expect(sizes).toEqual({
    sizesBefore: [3, 2],
    sizesAfter: [1, 3],
    presentBefore: [1, 2],
    presentAfter: [1, 2],
  })
})

it('prices a pair by centroids and overlap alike', () => {
  const before = named([0, 0, 0, 0, 0, 0], [[1, 0]])
  const after = named(
    [0, 0, 0, 1, 1, 1],
    [
      [0.6, 0.8],
      [0, 1],
    ],
  )
  const [first, second] = pairsOf(before, after)
  expect(first?.cost).toBeCloseTo(1 - 0.5 * 0.6 - 0.5 * 0.5, 6)
  expect(second?.cost).toBeCloseTo(1 - 0.5 * 0.5, 6)
})

it('rules out a pair with little overlap, however close its centroids', () => {
  const before = named([0, 0, 0, 0, 0, 0, 0, 1, 1, 1], axes)
  const after = named([0, 0, 0, 0, 0, 0, 0, 0, 0, 1], axes) // 1 and 1 share 1 of 3, 1 and 0 share 2 of 10
  const found = pairsOf(before, after).map(({ old, fresh }) => [old, fresh])
  expect(found).toEqual([
    [0, 0],
    [1, 1],
  ])
})

it('goes by the centroids where fewer than 5 images speak', () => {
  const before = named([0, 0, 1, 1], axes)
  const fresh = named([0, 0, 1, 1], axes, 100)
  expect(pairsOf(before, fresh).map(({ old, fresh }) => [old, fresh])).toEqual([
    [0, 0],
    [1, 1],
  ])
  const turned = named(
    [0, 0, 1, 1],
    [
      [0.79, Math.sqrt(1 - 0.79 ** 2)],
      [-1, 0],
    ],
    100,
  )
  expect(pairsOf(before, turned)).toEqual([])
})

it('takes overlap alone where the spaces differ in dim', () => {
  const before = named([0, 0, 0, 0, 0, 1], axes)
  const after = named(
    [0, 0, 0, 0, 0, 1],
    [
      [1, 0, 0],
      [0, 1, 0],
    ],
  )
  expect(pairsOf(before, after).map(({ cost }) => cost)).toEqual([0.5, 0.5])
})

it('refuses ids that do not go with the labels', () => {
  const one = named([0], [[1, 0]])
  expect(() => overlap(one, one, [])).toThrow(ShapeError)
})
