import { Matrix as Float64Matrix, SingularValueDecomposition } from 'ml-matrix'
import type { Matrix } from '../engine/matrix.ts'
import { crossProduct } from './cross-product.ts'
import { expectLength, expectTwins } from './rows.ts'

/** The rotation of one model's space onto another's. */
export interface SpaceMap {
  /** Row-major, shape [dim, dim], orthogonal: row · rotation lies in the other space. */
  readonly rotation: Float64Array
  /** Mean squared distance of the rotated rows from their targets, on the rows of the fit. */
  readonly residual: number
}

/**
 * Pull towards "no rotation", in parts of the size of the product. It decides only where the data
 * decide nothing, in directions that no row uses: there the identity is kept instead of noise.
 */
const pull = 1e-9

/**
 * Orthogonal Procrustes: the rotation R that brings `from`·R nearest to `to`.
 *
 * In float64 by singular value decomposition: about 10 s at 1280 numbers a row, 2 s at 512.
 *
 * @param from - Images in the new space, centred, shape [rows, dim].
 * @param to - The same images in the old space, centred, shape [rows, dim].
 * @throws {@link ShapeError} if the shapes differ.
 * @see Schönemann: A generalized solution of the orthogonal Procrustes problem (1966).
 */
export function fitSpaceMap(from: Matrix, to: Matrix): SpaceMap {
  expectTwins('fitSpaceMap', from, to, true)
  const { dim } = from
  const product = crossProduct(from, to)
  const size = Math.sqrt(product.reduce((sum, value) => sum + value * value, 0)) || 1
  for (let i = 0; i < dim; i += 1) {
    product[i * dim + i] = (product[i * dim + i] as number) + pull * size
  }
  const decomposition = new SingularValueDecomposition(Float64Matrix.from1DArray(dim, dim, product))
  const { leftSingularVectors: left, rightSingularVectors: right } = decomposition
  const rotation = Float64Array.from(left.mmul(right.transpose()).to1DArray())
  return { rotation, residual: mapResidual(rotation, from, to) }
}

/**
 * Rows of one space in the other.
 *
 * @param rotation - Row-major, shape [dim, dim].
 * @returns Shape [rows, dim].
 * @throws {@link ShapeError} if the rotation is not [dim, dim].
 */
export function rotateRows(matrix: Matrix, rotation: Float64Array): Matrix {
  const { rows, dim, data } = matrix
  expectLength('rotateRows', 'rotation', rotation.length, dim * dim)
  const rotated = new Float32Array(rows * dim)
  const sums = new Float64Array(dim)
  for (let row = 0; row < rows; row += 1) {
    sums.fill(0)
    for (let i = 0; i < dim; i += 1) {
      const value = data[row * dim + i] as number
      for (let j = 0; j < dim; j += 1) {
        sums[j] = (sums[j] as number) + value * (rotation[i * dim + j] as number)
      }
    }
    rotated.set(sums, row * dim)
  }
  return { rows, dim, data: rotated }
}

/**
 * Mean squared distance of rotated rows from their targets; to report on images left out of the
 * fit.
 *
 * @throws {@link ShapeError} if shapes do not fit.
 */
export function mapResidual(rotation: Float64Array, from: Matrix, to: Matrix): number {
  expectTwins('mapResidual', from, to, true)
  const rotated = rotateRows(from, rotation).data
  const squares = rotated.reduce((sum, value, i) => sum + (value - (to.data[i] as number)) ** 2, 0)
  return squares / from.rows
}
