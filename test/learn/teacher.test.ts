import { describe, expect, it } from 'vitest'
import { type LayersModel, tf } from '../../lib/engine/tf.ts'
import { teacherOf } from '../../lib/learn/teacher.ts'
import { readWeights, writeWeights } from '../../lib/model/weights.ts'

/** A network of one weight. */
function scalarNetwork(value: number): LayersModel {
  const layer = tf.layers.dense({ units: 1, inputShape: [1], useBias: false })
  const network = tf.sequential({ layers: [layer] })
  writeWeights(network, [Float32Array.of(value)])
  return network
}

const weightOf = async (network: LayersModel) => (await readWeights(network))[0]?.[0] as number

describe('teacherOf', () => {
  it('follows the student by the share that its memory leaves', async () => {
    const network = scalarNetwork(0)
    const teacher = teacherOf(network, 0.9)
    writeWeights(network, [Float32Array.of(10)])
    teacher.follow()
    expect(await teacher.during(() => weightOf(network))).toBeCloseTo(1, 5)
    teacher.follow()
    expect(await teacher.during(() => weightOf(network))).toBeCloseTo(1.9, 5)
  })

  it('gives the student its weights back, also after a failure', async () => {
    const network = scalarNetwork(0)
    const teacher = teacherOf(network, 0.5)
    writeWeights(network, [Float32Array.of(10)])
    await teacher.during(async () => undefined)
    expect(await weightOf(network)).toBe(10)
    await expect(teacher.during(() => Promise.reject(new Error('stop')))).rejects.toThrow('stop')
    expect(await weightOf(network)).toBe(10)
    expect(await teacher.during(() => weightOf(network))).toBe(0)
  })

  it('is the student itself without a memory', async () => {
    const network = scalarNetwork(0)
    const before = tf.memory().numTensors
    const teacher = teacherOf(network, 0)
    writeWeights(network, [Float32Array.of(10)])
    expect(await teacher.during(() => weightOf(network))).toBe(10)
    expect(tf.memory().numTensors).toBe(before)
  })

  it('frees what it holds', async () => {
    const network = scalarNetwork(1)
    const before = tf.memory().numTensors
    const teacher = teacherOf(network, 0.9)
    teacher.follow()
    await teacher.during(async () => undefined)
    teacher.dispose()
    expect(tf.memory().numTensors).toBe(before)
    expect(await weightOf(network)).toBe(1)
  })
})
