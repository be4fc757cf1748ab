import { describe, expect, it } from 'vitest'
import { type Scalar, type Tensor, tf } from '../../lib/engine/tf.ts'
import { engine } from '../support/engine.ts'

const side = 64
const mapBytes = 4 * side * side
const depth = 20

/** Bytes alive when the backward pass reaches the bottom of a deep chain. */
function bytesAtTheBottom(): number {
  let bytes = 0
  const watched = tf.customGrad((x) => ({
    value: tf.clone(x as Tensor),
    gradFunc: (dy) => {
      bytes = tf.memory().numBytes
      return tf.clone(dy)
    },
  }))
  const x = tf.ones([side, side])
  const before = tf.memory().numBytes
  const slope = tf.grad((t) => {
    let y: Tensor = watched(t)
    for (let i = 0; i < depth; i += 1) y = tf.relu(tf.add(y, 1))
    return tf.sum(y)
  })(x)
  tf.dispose([x, slope])
  return bytes - before
}

// Other engines keep TensorFlow.js' own gradients, of which the contract suite speaks.
describe.runIf(engine.name === 'tensorflow')('a backward pass of the native engine', () => {
  it('gives activations and slopes back while it runs', () => {
    expect(bytesAtTheBottom()).toBeLessThan(6 * mapBytes) // 2 × depth without
  })

  it('leaves the slope that its caller gave to the caller', async () => {
    const x = tf.tensor1d([-1, 2])
    const dy = tf.tensor1d([3, 4])
    const slope = tf.grad((t) => tf.relu(tf.relu(t)))(x, dy)
    expect(dy.isDisposed).toBe(false)
    expect(await slope.array()).toEqual([0, 4])
    tf.dispose([x, dy, slope])
  })

  it('counts a map twice that two layers use', async () => {
    const x = tf.tensor1d([-1, 2])
    const slope = tf.grad((t) => {
      const y = tf.relu(t)
      return tf.sum(tf.add(tf.relu(tf.add(y, 1)), tf.mul(y, 3))) as Scalar
    })(x)
    expect(await slope.array()).toEqual([0, 4])
    tf.dispose([x, slope])
  })

  it('takes second derivatives of what it does not replace', async () => {
    const x = tf.tensor1d([1, 2])
    const cube = (t: Tensor) => tf.sum(tf.mul(tf.reshape(tf.mul(t, t), [2]), tf.add(t, 0)))
    const second = tf.grad((t) => tf.sum(tf.grad(cube)(t)))(x)
    expect(await second.array()).toEqual([6, 12])
    tf.dispose([x, second])
  })

  it('says that a native slope has no slope of its own', () => {
    const x = tf.tensor1d([1, 2])
    const curved = () => tf.grad((t) => tf.grad((s) => tf.sum(tf.square(tf.relu(s))))(t))(x)
    expect(curved).toThrow('ReluGrad')
    x.dispose()
  })
})
