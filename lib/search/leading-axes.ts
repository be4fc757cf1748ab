import type { Matrix } from '../engine/matrix.ts'
import { randomStream } from '../engine/random.ts'
import { principalAxes } from '../metric/principal-axes.ts'

/** Length of a vector up to which the whole decomposition takes no time worth saving. */
const wholeUpTo = 128
/** Directions that are followed for the two that are wanted, and how often they are sharpened. */
const followed = 8
const passes = 12

/** The directions in which rows vary most. */
interface LeadingAxes {
  /** Mean row, shape [dim]. */
  readonly mean: Float32Array
  /** Orthonormal directions, the one of largest variance first, shape [2, dim]. */
  readonly axes: Matrix
}

/**
 * The two principal axes of rows. Of long vectors a few directions are sharpened by multiplying
 * with the rows, which takes a second where the whole decomposition takes a minute.
 *
 * @param matrix - At least one row.
 * @see Halko, Martinsson, Tropp: Finding structure with randomness (2011), algorithm 4.4.
 */
export function leadingAxes(matrix: Matrix): LeadingAxes {
  const { rows, dim } = matrix
  if (dim <= wholeUpTo) return principalAxes(matrix, 2)
  const { mean, data } = centred(matrix)
  const random = randomStream(1, 'leading axes')
  const start = Array.from({ length: followed }, () =>
    Float64Array.from({ length: dim }, () => random.uniform() - 0.5),
  )
  let basis = orthonormal(start)
  for (let pass = 0; pass < passes; pass += 1) {
    const places = product(data, basis, rows, dim) // [rows, followed]
    const next = basis.map(() => new Float64Array(dim))
    for (let row = 0; row < rows; row += 1) {
      for (const [i, axis] of next.entries()) {
        const share = places[row * followed + i] as number
        for (let j = 0; j < dim; j += 1) {
          axis[j] = (axis[j] as number) + share * (data[row * dim + j] as number)
        }
      }
    }
    basis = orthonormal(next)
  }
  const places = Float32Array.from(product(data, basis, rows, dim))
  const within = principalAxes({ rows, dim: followed, data: places }, 2).axes.data // [2, followed]
  const axes = new Float32Array(2 * dim)
  for (let at = 0; at < 2 * dim; at += 1) {
    const [axis, j] = [Math.floor(at / dim), at % dim]
    axes[at] = basis.reduce(
      (sum, one, i) => sum + (within[axis * followed + i] as number) * (one[j] as number),
      0,
    )
  }
  return { mean, axes: { rows: 2, dim, data: axes } }
}

function centred({ rows, dim, data }: Matrix): { mean: Float32Array; data: Float32Array } {
  const sums = new Float64Array(dim)
  for (const [i, value] of data.entries()) sums[i % dim] = (sums[i % dim] as number) + value
  const mean = Float32Array.from(sums, (sum) => sum / rows)
  return { mean, data: data.map((value, i) => value - (mean[i % dim] as number)) }
}

/** Inner products of rows and directions, shape [rows, basis]. */
function product(
  data: Float32Array,
  basis: readonly Float64Array[],
  rows: number,
  dim: number,
): Float64Array {
  const products = new Float64Array(rows * basis.length)
  for (let row = 0; row < rows; row += 1) {
    for (const [i, axis] of basis.entries()) {
      let sum = 0
      for (let j = 0; j < dim; j += 1) sum += (data[row * dim + j] as number) * (axis[j] as number)
      products[row * basis.length + i] = sum
    }
  }
  return products
}

/** Directions at right angles to each other, of length 1; those that are no new ones become 0. */
function orthonormal(directions: readonly Float64Array[]): Float64Array[] {
  const done: Float64Array[] = []
  for (const one of directions) {
    const before = length(one)
    for (const other of done) {
      const share = one.reduce((sum, value, j) => sum + value * (other[j] as number), 0)
      for (const [j, value] of other.entries()) one[j] = (one[j] as number) - share * value
    }
    const after = length(one)
    done.push(after > 1e-10 * before ? one.map((value) => value / after) : one.fill(0))
  }
  return done
}

const length = (one: Float64Array): number =>
  Math.sqrt(one.reduce((sum, value) => sum + value * value, 0))
