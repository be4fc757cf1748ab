import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type NamedTensors, tf, type Variable } from '../../lib/engine/tf.ts'
import { type Adam, adam } from '../../lib/model/optimizer.ts'

const options = { rate: 0.01, weightDecay: 0.05 }
const shapes = [[2, 3], [4]] as const
const start = [
  [0.5, -1, 2, 0.25, -0.125, 1.5],
  [1, -2, 0.75, 0.5],
]
/** Gradients that change from step to step, and once their sign. */
const slopes = (step: number): number[][] =>
  start.map((values, v) => values.map((_, i) => Math.fround(Math.sin(step * (i + 1) + v) * 0.3)))

/** Adam of the paper's algorithm 1 in float64, the decay as an L2 penalty: g + decay · w. */
function adamByLoop(steps: number, firstStep = 1): number[][] {
  const weights = start.map((values) => [...values])
  const first = start.map((values) => values.map(() => 0))
  const second = start.map((values) => values.map(() => 0))
  for (let step = firstStep; step < firstStep + steps; step += 1) {
    for (const [v, row] of slopes(step).entries()) {
      const [w, m, s] = [weights[v], first[v], second[v]] as [number[], number[], number[]]
      for (const [i, slope] of row.entries()) {
        const g = slope + options.weightDecay * (w[i] as number)
        m[i] = 0.9 * (m[i] as number) + 0.1 * g
        s[i] = 0.999 * (s[i] as number) + 0.001 * g * g
        const unbiased = (m[i] as number) / (1 - 0.9 ** step)
        const spread = Math.sqrt((s[i] as number) / (1 - 0.999 ** step))
        w[i] = (w[i] as number) - (options.rate * unbiased) / (spread + 1e-8)
      }
    }
  }
  return weights
}

describe('adam', () => {
  let variables: Variable[]
  let optimizer: Adam
  const make = () =>
    start.map((values, v) => tf.variable(tf.tensor([...values], [...(shapes[v] ?? [])])))
  const stepOnce = (step: number, of: Adam = optimizer, list: Variable[] = variables) => {
    const rows = slopes(step)
    const grads: NamedTensors = {}
    for (const [v, variable] of list.entries()) {
      grads[variable.name] = tf.tensor(rows[v] ?? [], variable.shape)
    }
    of.step(grads)
    tf.dispose(grads)
  }
  const read = async (list: Variable[] = variables) =>
    Promise.all(list.map(async (variable) => [...(await variable.data())]))

  beforeEach(() => {
    variables = make()
    optimizer = adam(variables, options)
  })
  afterEach(() => {
    optimizer.dispose()
    tf.dispose(variables)
  })

  it('moves as the textbook loop does, decay and all', async () => {
    for (let step = 1; step <= 20; step += 1) stepOnce(step)
    const expected = adamByLoop(20).flat()
    for (const [i, value] of (await read()).flat().entries()) {
      expect(value).toBeCloseTo(expected[i] as number, 5)
    }
  })

  it('goes on from a saved state as if it had never stopped', async () => {
    for (let step = 1; step <= 3; step += 1) stepOnce(step)
    const state = await optimizer.state()
    expect(state.step).toBe(3)
    const others = await Promise.all(
      variables.map(async (v) => tf.variable(tf.tensor(await v.data(), v.shape))),
    )
    const resumed = adam(others, options)
    resumed.load(state)
    for (let step = 4; step <= 8; step += 1) {
      stepOnce(step)
      stepOnce(step, resumed, others)
    }
    expect(await read(others)).toEqual(await read())
    expect(await resumed.state()).toEqual(await optimizer.state())
    resumed.dispose()
    tf.dispose(others)
  })

  it('refuses the state of other variables', () => {
    const state = { step: 1, first: new Float32Array(3), second: new Float32Array(3) }
    expect(() => optimizer.load(state)).toThrow('adam: expected moments of 10 weights, got 3')
  })

  it('takes a share of its rate where it is told', async () => {
    optimizer.step({}, 0.25)
    const moved = (await read()).flat()
    for (const [i, before] of start.flat().entries()) {
      expect(moved[i]).toBeCloseTo(before - Math.sign(before) * 0.25 * options.rate, 5)
    }
  })

  it('only decays a variable without a gradient', async () => {
    optimizer.step({})
    const moved = (await read()).flat()
    for (const [i, before] of start.flat().entries()) {
      // The first step is the rate long, towards zero.
      expect(moved[i]).toBeCloseTo(before - Math.sign(before) * options.rate, 5)
    }
  })

  it('makes no tensor that outlives a step, and none that outlives it', () => {
    const before = tf.memory().numTensors
    for (let step = 1; step <= 3; step += 1) stepOnce(step)
    expect(tf.memory().numTensors).toBe(before)
    const other = adam(variables, options)
    other.load({ step: 2, first: new Float32Array(10), second: new Float32Array(10) })
    stepOnce(3, other)
    other.dispose()
    expect(tf.memory().numTensors).toBe(before)
  })
})
