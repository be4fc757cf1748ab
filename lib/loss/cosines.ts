import { expectShape } from '../engine/shape.ts'
import { type Tensor2D, tf } from '../engine/tf.ts'
import { ShapeError } from '../errors.ts'

/**
 * Cosine similarity of every anchor with every reference.
 *
 * The first rows of `refs` are the anchors themselves; rows appended after them are constants.
 * So one gradient, towards the anchors, carries both roles an embedding has: (G + Gᵀ) X, plus
 * G_Q Q for appended rows Q. Values are clamped to [-1, 1], which rounding may leave; the
 * gradient passes through the clamp. What is not finite becomes NaN on every engine, so that no
 * loss hides it.
 *
 * @param anchors - Embeddings, shape [batch, dim], float32, unit-norm rows.
 * @param refs - The anchors, then appended rows, shape [refs, dim], refs ≥ batch.
 * @returns Similarities in [-1, 1], shape [batch, refs]. The caller disposes it.
 * @throws {@link ShapeError} if the dims differ or `refs` has fewer rows than `anchors`.
 */
export function cosines(anchors: Tensor2D, refs: Tensor2D): Tensor2D {
  const [batch, dim] = anchors.shape
  expectShape('cosines', 'refs', refs, [null, dim])
  const appended = refs.shape[0] - batch
  if (appended < 0) {
    throw new ShapeError(
      `cosines: refs must begin with the ${batch} anchors, got ${refs.shape[0]} rows`,
    )
  }
  const op = tf.customGrad((x, save) => {
    // Transposed first: a product with a transposed operand is the slow path of an engine.
    const products: Tensor2D = tf.matMul(x as Tensor2D, tf.transpose(refs)) // [batch, refs]
    ;(save as (kept: Tensor2D[]) => void)([refs])
    return {
      value: clamped(products),
      gradFunc: (dy, [rows]) => tf.matMul(bothRoles(dy as Tensor2D, batch), rows as Tensor2D),
    }
  })
  return op(anchors) as Tensor2D
}

/** Values within [-1, 1], NaN kept: some engines' own clamp turns it into a bound. */
function clamped(values: Tensor2D): Tensor2D {
  const excess = tf.sub(values, tf.clipByValue(values, -1, 1)) // [batch, refs], 0 for most
  return tf.sub(values, excess)
}

/** Adds to each slope of an anchor that of the same pair seen from the other end. */
function bothRoles(slopes: Tensor2D, batch: number): Tensor2D {
  const appended = slopes.shape[1] - batch
  const among = appended === 0 ? slopes : tf.slice(slopes, [0, 0], [batch, batch])
  const mirrored = tf.transpose(among) // [batch, batch]
  const padded: Tensor2D =
    appended === 0
      ? mirrored
      : tf.pad(mirrored, [
          [0, 0],
          [0, appended],
        ]) // [batch, refs]
  return tf.add(slopes, padded)
}
