import { ShapeError } from '../errors.ts'
import type { Tensor } from './tf.ts'

const written = (shape: readonly (number | null)[]): string =>
  `[${shape.map((size) => size ?? '?').join(', ')}]`

/**
 * Checks the shape of an argument; `null` stands for any size.
 *
 * @param where - Function that was called, for the message.
 * @param name - Argument, for the message.
 * @throws {@link ShapeError} if rank or a size differs.
 */
export function expectShape(
  where: string,
  name: string,
  tensor: Tensor,
  shape: readonly (number | null)[],
): void {
  const fits =
    tensor.shape.length === shape.length &&
    shape.every((size, axis) => size === null || size === tensor.shape[axis])
  if (!fits) {
    throw new ShapeError(
      `${where}: ${name} must have shape ${written(shape)}, got ${written(tensor.shape)}`,
    )
  }
}
