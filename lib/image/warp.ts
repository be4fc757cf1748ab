import { type Tensor4D, tf } from '../engine/tf.ts'
import { registerWarpKernel } from './warp-kernel.ts'

registerWarpKernel()

/** Rows of a 2 × 3 matrix. */
type Affine = readonly [number, number, number, number, number, number]

/** The matrices one by one. */
function* matrices(places: Float32Array): Generator<Affine> {
  for (let i = 0; i < places.length; i += 6) {
    yield [...places.subarray(i, i + 6)] as unknown as Affine
  }
}

/** Rounding that still counts as "inside the picture", in places. */
const slack = 1e-6

/** Whether no view turns or slants its picture or looks beyond the edge. */
function areWindows(places: Float32Array): boolean {
  return [...matrices(places)].every(
    ([a, b, c, d, e, f]) =>
      b === 0 &&
      d === 0 &&
      Math.abs(a) + Math.abs(c) <= 1 + slack &&
      Math.abs(e) + Math.abs(f) <= 1 + slack,
  )
}

/** Both ends of a window along one axis, shares of the side; swapped ends mirror. */
function ends(factor: number, centre: number): readonly [number, number] {
  // A whole side is exact; else rounding must not reach over the edge, where engines paint black.
  const margin = Math.abs(factor) === 1 ? 0 : slack
  const end = (place: number) => Math.min(1 - margin, Math.max(margin, (place + 1) / 2))
  return [end(centre - factor), end(centre + factor)]
}

/** A window as a box of `cropAndResize`. */
function box([a, , c, , e, f]: Affine): readonly number[] {
  const [left, right] = ends(a, c)
  const [top, bottom] = ends(e, f)
  return [top, left, bottom, right]
}

/** The same map between pixels in place of places, as eight numbers of a projective transform. */
function projection([a, b, c, d, e, f]: Affine, height: number, width: number): readonly number[] {
  const [x, y] = [(width - 1) / 2, (height - 1) / 2]
  return [a, (b * x) / y, x * (1 + c - a - b), (d * y) / x, e, y * (1 + f - d - e), 0, 0]
}

/**
 * Looks at each picture through an affine map, bilinearly; beyond its edge a picture goes on with
 * the colour of the edge.
 *
 * @param images - Shape [batch, height, width, channels], float32; sides ≥ 2.
 * @param places - Where each output place lies in the picture, shape [batch, 6], as in
 * `AugmentationDraws`.
 * @returns The same shape, float32. The caller disposes it.
 */
export function warp(images: Tensor4D, places: Float32Array): Tensor4D {
  const [batch, height, width] = images.shape
  return tf.tidy(() => {
    // Windows, the photographs' case, have a kernel of their own: less than half the time.
    if (areWindows(places)) {
      const windows = tf.tensor2d([...matrices(places)].flatMap(box), [batch, 4])
      const own = tf.range(0, batch, 1, 'int32') // [batch]
      return tf.image.cropAndResize(images, windows, own, [height, width], 'bilinear') // [batch, height, width, channels]
    }
    const maps = tf.tensor2d(
      [...matrices(places)].flatMap((matrix) => projection(matrix, height, width)),
      [batch, 8],
    )
    return tf.image.transform(images, maps, 'bilinear', 'nearest') // [batch, height, width, channels]
  })
}
