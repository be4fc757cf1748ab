import type { Matrix } from '../engine/matrix.ts'
import { InputError } from '../errors.ts'

/** Centred rows shorter than this are rounding noise of float32: they keep no direction. */
const shortestRow = 1e-6

/** Rows without their mean. */
export interface Centred {
  /** Unit rows; a row that equals the mean is zero or close to it. Shape [rows, dim]. */
  readonly unit: Matrix
  /** Shape [dim], float32. */
  readonly mean: Float32Array
}

function meanOf({ rows, dim, data }: Matrix): Float32Array {
  const sums = new Float64Array(dim)
  for (let start = 0; start < rows * dim; start += dim) {
    for (let j = 0; j < dim; j += 1) sums[j] = (sums[j] as number) + (data[start + j] as number)
  }
  return Float32Array.from(sums, (sum) => sum / rows)
}

function expectFinite({ dim, data }: Matrix, mean: Float32Array): void {
  if (mean.every(Number.isFinite)) return
  const at = data.findIndex((value) => !Number.isFinite(value))
  throw new InputError(`centre: embeddings must be finite, row ${Math.floor(at / dim)} is not`)
}

/**
 * The rows minus their mean, then L2-normalised: in a narrow cone the mean is nearly all that
 * raw cosines see.
 *
 * @param embeddings - Model output, shape [rows, dim], rows ≥ 1.
 * @returns See {@link Centred}; the input is not changed.
 * @throws {@link InputError} if a number is not finite.
 */
export function centre(embeddings: Matrix): Centred {
  const { rows, dim, data } = embeddings
  const mean = meanOf(embeddings)
  expectFinite(embeddings, mean)
  const unit = new Float32Array(rows * dim)
  for (let start = 0; start < rows * dim; start += dim) {
    let square = 0
    for (let j = 0; j < dim; j += 1) {
      const value = (data[start + j] as number) - (mean[j] as number)
      unit[start + j] = value
      square += value * value
    }
    const scale = 1 / Math.max(Math.sqrt(square), shortestRow)
    for (let j = start; j < start + dim; j += 1) unit[j] = (unit[j] as number) * scale
  }
  return { unit: { rows, dim, data: unit }, mean }
}
