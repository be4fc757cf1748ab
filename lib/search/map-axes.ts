import type { Matrix } from '../engine/matrix.ts'
import { fitSpaceMap } from '../metric/space-map.ts'
import type { Block } from './block.ts'
import { leadingAxes } from './leading-axes.ts'

/** How vectors become points of a map: point = vector · weightsᵀ + offset. */
export interface MapAxes {
  /** Shape [2, dim]. */
  readonly weights: Matrix
  readonly offset: readonly [number, number]
}

/** Points of pictures; the two columns have the length of `ids`. */
export interface MapPoints {
  readonly ids: readonly string[]
  readonly x: Float32Array
  readonly y: Float32Array
}

/** Pictures that a map is fitted on at most. */
export const maxLandmarks = 1_000
/** Common landmarks without which nothing says how a map lies to the one before. */
const leastCommon = 3

/** Pictures whose vectors a map is fitted on. */
export interface Landmarks {
  readonly ids: readonly string[]
  /** Shape [ids, dim]. */
  readonly vectors: Matrix
}

/**
 * Collects the landmarks of blocks: the pictures with the smallest ids. Ids are digests, so these
 * are drawn at random, and are the same ones whatever model made the vectors.
 *
 * @param dim - Length of a vector.
 */
export function landmarkSample(dim: number): { add(block: Block): void; landmarks(): Landmarks } {
  let kept = new Map<string, Float32Array>()
  return {
    add: ({ ids, vectors }) => {
      for (const [row, id] of ids.entries()) {
        kept.set(id, vectors.data.slice(row * dim, (row + 1) * dim))
      }
      const smallest = [...kept].sort(([a], [b]) => (a < b ? -1 : 1)).slice(0, maxLandmarks)
      kept = new Map(smallest)
    },
    landmarks: () => {
      const data = new Float32Array(kept.size * dim)
      for (const [row, vector] of [...kept.values()].entries()) data.set(vector, row * dim)
      return { ids: [...kept.keys()], vectors: { rows: kept.size, dim, data } }
    },
  }
}

/** Points of vectors, shape [n, dim]: two columns. */
export function pointsOf(
  vectors: Matrix,
  { weights, offset }: MapAxes,
): Pick<MapPoints, 'x' | 'y'> {
  const { rows, dim, data } = vectors
  const columns = offset.map((start, axis) =>
    Float32Array.from({ length: rows }, (_, row) => {
      let sum = start
      for (let i = 0; i < dim; i += 1) {
        sum += (data[row * dim + i] as number) * (weights.data[axis * dim + i] as number)
      }
      return sum
    }),
  )
  return { x: columns[0] as Float32Array, y: columns[1] as Float32Array }
}

/**
 * The two directions in which landmarks vary most, turned and mirrored so that the pictures which
 * a map showed before stay as near to their places as they can.
 *
 * @param landmarks - At least one.
 * @param before - Points of an earlier map, by whatever `idOf` makes of an id.
 */
export function fitMapAxes(landmarks: Landmarks, before?: MapPoints): MapAxes {
  const { dim } = landmarks.vectors
  const { mean, axes } = leadingAxes(landmarks.vectors)
  const zero: MapAxes = { weights: axes, offset: [0, 0] }
  const middle = pointsOf({ rows: 1, dim, data: mean }, zero)
  const plain: MapAxes = {
    weights: axes,
    offset: [-(middle.x[0] as number), -(middle.y[0] as number)],
  }
  return before === undefined ? plain : alignedWith(before, landmarks, plain)
}

function alignedWith(before: MapPoints, landmarks: Landmarks, axes: MapAxes): MapAxes {
  const places = new Map(before.ids.map((id, row) => [id, row]))
  const now = pointsOf(landmarks.vectors, axes)
  const common = landmarks.ids.flatMap((id, row) => {
    const old = places.get(id)
    return old === undefined ? [] : [{ row, old }]
  })
  if (common.length < leastCommon) return axes
  const from = centredPairs(common.map(({ row }) => [now.x[row] as number, now.y[row] as number]))
  const to = centredPairs(
    common.map(({ old }) => [before.x[old] as number, before.y[old] as number]),
  )
  const [xx = 1, xy = 0, yx = 0, yy = 1] = fitSpaceMap(from.matrix, to.matrix).rotation
  const turned = (x: number, y: number): [number, number] => [x * xx + y * yx, x * xy + y * yy]
  const { dim, data } = axes.weights
  const weights = new Float32Array(2 * dim)
  for (let i = 0; i < dim; i += 1) {
    const [x, y] = turned(data[i] as number, data[dim + i] as number)
    weights[i] = x
    weights[dim + i] = y
  }
  const [x, y] = turned(axes.offset[0] - from.mean[0], axes.offset[1] - from.mean[1])
  return {
    weights: { rows: 2, dim, data: weights },
    offset: [x + to.mean[0], y + to.mean[1]],
  }
}

/** Points minus their mean, shape [n, 2]. */
function centredPairs(points: readonly (readonly [number, number])[]): {
  readonly matrix: Matrix
  readonly mean: readonly [number, number]
} {
  const sum = points.reduce(([a, b], [x, y]) => [a + x, b + y] as const, [0, 0] as const)
  const mean = [sum[0] / points.length, sum[1] / points.length] as const
  const data = Float32Array.from(points.flatMap(([x, y]) => [x - mean[0], y - mean[1]]))
  return { matrix: { rows: points.length, dim: 2, data }, mean }
}
