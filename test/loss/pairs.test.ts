import { describe, expect, it } from 'vitest'
import { tf } from '../../lib/engine/tf.ts'
import { type PairMasksOptions, pairMasks } from '../../lib/loss/pairs.ts'

const masks = async (labels: readonly number[], options?: PairMasksOptions) => {
  const { positives, negatives } = pairMasks(Int32Array.from(labels), options)
  return { positives: await positives.array(), negatives: await negatives.array() }
}

describe('pairMasks', () => {
  it('pairs rows of one label, and removes only the pair of a row with itself', async () => {
    expect(await masks([7, 7, 3])).toEqual({
      positives: [
        [0, 1, 0],
        [1, 0, 0],
        [0, 0, 0],
      ],
      negatives: [
        [0, 0, 1],
        [0, 0, 1],
        [1, 1, 0],
      ],
    })
  })

  it('ignores pairs of one duplicate group under different labels, and no other', async () => {
    const { positives, negatives } = await masks([0, 0, 1, 1], {
      ignored: Int32Array.from([5, -1, 5, -1]),
    })
    expect(positives).toEqual((await masks([0, 0, 1, 1])).positives)
    expect(negatives).toEqual([
      [0, 0, 0, 1],
      [0, 0, 1, 1],
      [0, 1, 0, 0],
      [1, 1, 0, 0],
    ])
  })

  it('keeps duplicates of one group and label as positives', async () => {
    const { positives } = await masks([0, 0], { ignored: Int32Array.from([5, 5]) })
    expect(positives).toEqual([
      [0, 1],
      [1, 0],
    ])
  })

  it('leaves a row without a label out of every pair', async () => {
    const { positives, negatives } = await masks([0, -1, -1])
    expect([...positives.flat(), ...negatives.flat()]).toEqual(new Array(18).fill(0))
  })

  it('pairs each row with appended references by their labels', async () => {
    expect(await masks([0, 1], { appended: Int32Array.from([0]) })).toEqual({
      positives: [
        [0, 0, 1],
        [0, 0, 0],
      ],
      negatives: [
        [0, 1, 0],
        [1, 0, 1],
      ],
    })
  })

  it('leaves only its results alive', () => {
    const before = tf.memory().numTensors
    pairMasks(Int32Array.from([0, 1]))
    expect(tf.memory().numTensors).toBe(before + 2)
  })

  it('names groups that do not match the references', () => {
    const wrong = () => pairMasks(new Int32Array(3), { ignored: new Int32Array(2) })
    expect(wrong).toThrow('pairMasks: ignored must have length 3, got 2')
  })
})
