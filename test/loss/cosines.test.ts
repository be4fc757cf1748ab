import { describe, expect, it } from 'vitest'
import { type Tensor, type Tensor2D, tf } from '../../lib/engine/tf.ts'
import { cosines } from '../../lib/loss/cosines.ts'
import { oracleCosines, type Rows } from '../../lib/loss/oracle.ts'
import {
  asFloat32,
  at,
  expectWithin,
  farthest,
  ownCosines,
  rises,
  tensor,
  unitRows,
} from './support.ts'

describe('cosines', () => {
  it('stays within two millionths of float64 at 512 dimensions', async () => {
    const rows = asFloat32(unitRows(60, 512, 1, 0.5))
    const x = tensor(rows)
    expect(farthest(await cosines(x, x).array(), ownCosines(rows))).toBeLessThan(2e-6)
  })

  it('clamps what rounding pushes past one, and lets its gradient pass', async () => {
    const long = tf.tensor2d([
      [1 + 1e-6, 0],
      [-1 - 1e-6, 0],
    ])
    expect(await cosines(long, long).array()).toEqual([
      [1, -1],
      [-1, 1],
    ])
    const first = (t: Tensor) => tf.sum(tf.slice(cosines(t as Tensor2D, t as Tensor2D), 0, [1, 2]))
    const gradient = await tf.grad(first)(long).array()
    expectWithin(
      gradient as number[][],
      [
        [1, 0],
        [1, 0],
      ],
      1e-5,
    ) // (G + Gᵀ) X, as unclamped
  })

  it('gives anchors the slopes of both ends, and appended rows none', async () => {
    const [rows, extra] = [unitRows(4, 3, 2), unitRows(2, 3, 3)]
    // No weight on a row with itself: the clamp has a kink there, and no loss uses that pair.
    const weights = unitRows(4, 6, 4).map((row, i) => row.map((w, j) => (i === j ? 0 : w)))
    const f = (x: Tensor, q: Tensor) => {
      const all = cosines(x as Tensor2D, tf.concat([x as Tensor2D, q as Tensor2D]))
      return tf.add(tf.sum(tf.mul(all, tensor(weights))), tf.mul(0, tf.sum(q)))
    }
    const [dx, dq] = tf.grads(f)([tensor(rows), tensor(extra)]) as [Tensor2D, Tensor2D]
    const value = (moved: Rows) =>
      oracleCosines(moved, [...moved, ...extra])
        .flatMap((row, i) => row.map((s, j) => s * at(weights, i, j)))
        .reduce((a, b) => a + b, 0)
    expectWithin(await dx.array(), rises(rows, value), 1e-5)
    expect(await dq.array()).toEqual([
      [0, 0, 0],
      [0, 0, 0],
    ])
  })

  it('turns what is not finite into NaN', async () => {
    const rows = tf.tensor2d([
      [Number.POSITIVE_INFINITY, 0],
      [1, 0],
      [Number.NaN, 0],
    ])
    const values = (await cosines(rows, rows).array()) as number[][]
    expect([values[0]?.[1], values[1]?.[1], values[2]?.[1]]).toEqual([Number.NaN, 1, Number.NaN])
  })

  it('names references that do not begin with the anchors', () => {
    const wrong = () => cosines(tf.zeros([3, 2]), tf.zeros([2, 2]))
    expect(wrong).toThrow('cosines: refs must begin with the 3 anchors, got 2 rows')
  })
})
