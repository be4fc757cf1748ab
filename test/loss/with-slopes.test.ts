import { describe, expect, it } from 'vitest'
import { type Scalar, type Tensor, type Tensor2D, tf } from '../../lib/engine/tf.ts'
import { withSlopes } from '../../lib/loss/with-slopes.ts'

describe('withSlopes', () => {
  it('returns the loss, and the given slopes as its only gradient', async () => {
    const slopes = tf.tensor2d([[1, -2]])
    const f = (s: Tensor) => {
      const squared = tf.sum(tf.square(s)) as Scalar // depends on s, and must not add to it
      return tf.mul(withSlopes(s as Tensor2D, squared, slopes), 3)
    }
    const { value, grad } = tf.valueAndGrad(f)(tf.tensor2d([[2, 1]]))
    expect(await value.array()).toBe(15)
    expect(await grad.array()).toEqual([[3, -6]])
  })

  it('leaves only its result alive', () => {
    const [s, loss] = [tf.zeros([2, 2]) as Tensor2D, tf.scalar(1)]
    const before = tf.memory().numTensors
    withSlopes(s, loss, s)
    expect(tf.memory().numTensors).toBe(before + 1)
  })
})
