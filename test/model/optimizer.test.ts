import { afterEach, expect, it } from 'vitest'
import { randomStream } from '../../lib/engine/random.ts'
import { type Tensor, tf, type Variable } from '../../lib/engine/tf.ts'
import { type AdamOptions, adam } from '../../lib/model/optimizer.ts'
import '../support/engine.ts'

const shapes = [[3, 3, 2, 4], [4], [2, 5], []] as const
const sizes = shapes.map((shape) => shape.reduce<number>((product, size) => product * size, 1))
const total = sizes.reduce((sum, size) => sum + size, 0)
const normals = (purpose: string, step: number): number[] => {
  const random = randomStream(5, purpose, step)
  return Array.from({ length: total }, () => random.normal())
}

/** All weights of the variables, cut from one list. */
const starts = sizes.map((_, i) => sizes.slice(0, i).reduce((sum, size) => sum + size, 0))
const cut = (flat: readonly number[]): number[][] =>
  sizes.map((size, i) => flat.slice(starts[i] as number, (starts[i] as number) + size))
const tensorsOf = (flat: readonly number[]) =>
  cut(flat).map((values, i) => tf.tensor(values, [...(shapes[i] as readonly number[])], 'float32'))

let alive: Variable[] = []
function makeVariables(): Variable[] {
  alive = tf.tidy(() => tensorsOf(normals('weights', 0)).map((tensor) => tf.variable(tensor)))
  return alive
}
const weightsOf = async (variables: readonly Variable[]): Promise<number[]> =>
  (await Promise.all(variables.map(async (variable) => [...(await variable.data())]))).flat()
const gradientsOf = (variables: readonly Variable[], flat: readonly number[]) =>
  Object.fromEntries(tensorsOf(flat).map((tensor, i) => [(variables[i] as Variable).name, tensor]))

function stepOnce(
  variables: readonly Variable[],
  optimizer: ReturnType<typeof adam>,
  step: number,
) {
  const grads = gradientsOf(variables, normals('slopes', step))
  optimizer.step(grads)
  tf.dispose(grads)
}

afterEach(() => tf.dispose(alive))

/** Adam as its paper writes it, one weight at a time, in float64. */
function byLoop(steps: number, { rate = 1e-3, weightDecay = 0 }: AdamOptions): number[] {
  const weights = normals('weights', 0)
  const first = weights.map(() => 0)
  const second = weights.map(() => 0)
  for (let step = 1; step <= steps; step += 1) {
    for (const [i, slope] of normals('slopes', step).entries()) {
      const g = slope + weightDecay * (weights[i] as number)
      first[i] = 0.9 * (first[i] as number) + 0.1 * g
      second[i] = 0.999 * (second[i] as number) + 0.001 * g * g
      const mean = (first[i] as number) / (1 - 0.9 ** step)
      const variance = (second[i] as number) / (1 - 0.999 ** step)
      weights[i] = (weights[i] as number) - (rate * mean) / (Math.sqrt(variance) + 1e-8)
    }
  }
  return weights
}
const farthest = (a: readonly number[], b: readonly number[]): number =>
  Math.max(...a.map((value, i) => Math.abs(value - (b[i] as number))))

it.each([
  { rate: 1e-2, weightDecay: 0 },
  { rate: 1e-3, weightDecay: 0.5 },
])('moves weights as the float64 loop does at $rate, decay $weightDecay', async (options) => {
  const variables = makeVariables()
  const optimizer = adam(variables, options)
  for (let step = 1; step <= 20; step += 1) stepOnce(variables, optimizer, step)
  expect(farthest(await weightsOf(variables), byLoop(20, options))).toBeLessThan(2e-6)
  optimizer.dispose()
})

it('goes on from a stored state to the bit', async () => {
  const options = { rate: 1e-2, weightDecay: 5e-4 }
  const straight = makeVariables()
  const whole = adam(straight, options)
  for (let step = 1; step <= 6; step += 1) stepOnce(straight, whole, step)
  const expected = await weightsOf(straight)
  tf.dispose(straight)

  const variables = makeVariables()
  const before = adam(variables, options)
  for (let step = 1; step <= 3; step += 1) stepOnce(variables, before, step)
  const state = await before.state()
  const after = adam(variables, options)
  after.load(state)
  for (let step = 4; step <= 6; step += 1) stepOnce(variables, after, step)
  expect(state.step).toBe(3)
  expect(await weightsOf(variables)).toEqual(expected)
  for (const optimizer of [whole, before, after]) optimizer.dispose()
})

it('lets a variable without a gradient only decay', async () => {
  const variables = makeVariables()
  const [size = 0] = sizes
  const before = await weightsOf(variables)
  const optimizer = adam(variables, { rate: 1e-2, weightDecay: 0 })
  const grads = gradientsOf(variables, normals('slopes', 1))
  const { [(variables[0] as Variable).name]: missing, ...given } = grads
  optimizer.step(given)
  const after = await weightsOf(variables)
  expect(after.slice(0, size)).toEqual(before.slice(0, size))
  expect(after.slice(size)).not.toEqual(before.slice(size))
  tf.dispose([missing as Tensor, ...Object.values(given)])
  optimizer.dispose()
})

it('keeps the gradients its caller’s and leaves nothing else alive', () => {
  const variables = makeVariables()
  const optimizer = adam(variables, { rate: 1e-2, weightDecay: 5e-4 })
  const grads = gradientsOf(variables, normals('slopes', 1))
  const before = tf.memory().numTensors
  for (let step = 0; step < 20; step += 1) optimizer.step(grads)
  expect(tf.memory().numTensors).toBe(before)
  for (const gradient of Object.values(grads)) expect(gradient.isDisposed).toBe(false)
  tf.dispose(grads)
  optimizer.dispose()
  expect(tf.memory().numTensors).toBe(before - variables.length - 2)
})

it('refuses the state of other variables', async () => {
  const variables = makeVariables()
  const optimizer = adam(variables)
  const state = await optimizer.state()
  const other = { ...state, first: new Float32Array(3) }
  expect(() => optimizer.load(other)).toThrow(`adam: expected moments of ${total} weights, got 3`)
  optimizer.dispose()
})
