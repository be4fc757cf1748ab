import { beforeAll, describe, expect, it } from 'vitest'
import { randomStream } from '../../lib/engine/random.ts'
import { type EngineName, selectEngine } from '../../lib/engine/select.ts'
import { type Scalar, type Tensor, type Tensor2D, tf } from '../../lib/engine/tf.ts'
import { describeLayers } from './contract-layers.ts'
import { describeSelections } from './contract-selections.ts'
import { distance, plainInputs, weightsFor } from './measure.ts'
import { matMul, type Plain, slopes } from './naive.ts'
import { type Operation, operations } from './operations.ts'

/** What an engine may lack. */
export interface EngineTraits {
  /** Whether networks can be trained below the head. */
  readonly convolutionGradients: boolean
}

const dot = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, v, i) => sum + v * (b[i] as number), 0)
const toTensors = (inputs: readonly Plain[]): Tensor[] =>
  inputs.map(({ values, shape }) => tf.tensor([...values], [...shape], 'float32'))

/** Slopes of the weighted sum of an operation's results, for each argument. */
function slopesOf(operation: Operation, tensors: Tensor[]): Tensor[] {
  const rise = (...arguments_: Tensor[]): Scalar => {
    const y = operation.run(...arguments_)
    return tf.sum(tf.mul(y, tf.tensor(weightsFor(y.size), y.shape)))
  }
  return tf.tidy(() => tf.grads(rise)(tensors))
}

function describeOperation(operation: Operation, hasGradient: boolean): void {
  const inputs = plainInputs(operation)

  it(`${operation.name}: computes what the loops compute`, async () => {
    const result = tf.tidy(() => operation.run(...toTensors(inputs)))
    expect(distance(await result.data(), operation.naive(...inputs))).toBeLessThan(1e-5)
    tf.dispose(result)
  })
  if (!hasGradient) return
  it(`${operation.name}: has the slopes of the loops`, async () => {
    const weights = weightsFor(operation.naive(...inputs).length)
    const tensors = toTensors(inputs)
    const actual = slopesOf(operation, tensors)
    for (const [i, input] of inputs.entries()) {
      const rise = (values: readonly number[]) =>
        dot(
          operation.naive(...inputs.map((one, j) => (i === j ? { ...one, values } : one))),
          weights,
        )
      const expected = slopes(rise, input.values)
      expect(distance(await (actual[i] as Tensor).data(), expected)).toBeLessThan(2e-5)
    }
    tf.dispose([...tensors, ...actual])
  })
  it(`${operation.name}: leaves only its results alive`, () => {
    const tensors = toTensors(inputs)
    const before = tf.memory().numTensors
    const actual = slopesOf(operation, tensors)
    expect(tf.memory().numTensors).toBe(before + actual.length)
    tf.dispose([...tensors, ...actual])
    expect(tf.memory().numTensors).toBe(before - tensors.length)
  })
}

function unitRows(count: number, dim: number): Plain {
  const random = randomStream(3, 'similarities')
  const values = Array.from({ length: count }, () => {
    const row = Array.from({ length: dim }, () => random.uniform() - 0.5)
    const length = Math.hypot(...row)
    return row.map((value) => Math.fround(value / length))
  })
  return { shape: [count, dim], values: values.flat() }
}

/** What a tensor engine has to do, for every engine that we offer. */
export function describeEngine(name: EngineName, traits: EngineTraits): void {
  describe(`the ${name} engine`, () => {
    beforeAll(async () => {
      const engine = await selectEngine(name)
      expect(engine.name).toBe(name)
      expect(engine.hasConvolutionGradients).toBe(traits.convolutionGradients)
    })
    for (const operation of operations) {
      const hasGradient = traits.convolutionGradients || !operation.isTrainedNatively
      describeOperation(operation, hasGradient)
    }

    it('has similarities within 2e-6 at 512 dimensions', async () => {
      const rows = unitRows(24, 512)
      const result = tf.tidy(() => {
        const x = tf.tensor2d([...rows.values], [24, 512]) // [n, dim]
        return tf.matMul(x, tf.transpose(x) as Tensor2D) // [n, n]
      })
      const columns = Array.from(
        { length: 512 * 24 },
        (_, i) => rows.values[(i % 24) * 512 + Math.floor(i / 24)] as number,
      )
      const expected = matMul(rows, { shape: [512, 24], values: columns })
      expect(distance(await result.data(), expected)).toBeLessThan(2e-6)
      tf.dispose(result)
    })
    describeLayers(traits)
    describeSelections()
  })
}
