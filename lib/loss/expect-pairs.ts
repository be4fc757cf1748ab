import { expectShape } from '../engine/shape.ts'
import type { Tensor2D } from '../engine/tf.ts'

/**
 * Checks the shapes that every loss over pairs takes.
 *
 * @throws {@link ShapeError} if a mask is not [batch, refs].
 */
export function expectPairs(
  where: string,
  anchors: Tensor2D,
  refs: Tensor2D,
  positives: Tensor2D,
  negatives: Tensor2D,
): void {
  expectShape(where, 'anchors', anchors, [null, null])
  const shape = [anchors.shape[0], refs.shape[0]]
  expectShape(where, 'refs', refs, [null, anchors.shape[1]])
  expectShape(where, 'positives', positives, shape)
  expectShape(where, 'negatives', negatives, shape)
}
