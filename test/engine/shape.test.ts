import { expect, it } from 'vitest'
import { expectShape } from '../../lib/engine/shape.ts'
import { tf } from '../../lib/engine/tf.ts'
import { ShapeError } from '../../lib/errors.ts'

it('takes any size where none is asked for', () => {
  tf.tidy(() => expectShape('assign', 'rows', tf.zeros([5, 3]), [null, 3]))
})

it('names function, argument and both shapes when a size differs', () => {
  const check = () => tf.tidy(() => expectShape('assign', 'rows', tf.zeros([5, 3]), [null, 4]))
  expect(check).toThrow(new ShapeError('assign: rows must have shape [?, 4], got [5, 3]'))
})

it('refuses another rank', () => {
  const check = () => tf.tidy(() => expectShape('assign', 'rows', tf.zeros([5]), [null, 3]))
  expect(check).toThrow('assign: rows must have shape [?, 3], got [5]')
})
