import { type Scalar, type Tensor2D, tf } from '../engine/tf.ts'

/**
 * A loss that is already known, made differentiable in the similarities by its known slopes.
 *
 * @param similarities - What the loss was computed from, shape [batch, refs].
 * @param loss - Its value, shape [].
 * @param slopes - ∂loss/∂s in closed form, shape [batch, refs].
 * @returns The loss, with exactly that gradient. The caller disposes it.
 */
export function withSlopes(similarities: Tensor2D, loss: Scalar, slopes: Tensor2D): Scalar {
  const op = tf.customGrad((_, save) => {
    ;(save as (kept: Tensor2D[]) => void)([slopes])
    return {
      value: tf.clone(loss),
      gradFunc: (dy, [kept]) => tf.mul(dy, kept as Tensor2D), // [batch, refs]
    }
  })
  return op(similarities) as Scalar
}
