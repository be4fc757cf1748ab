import { afterAll, expect, it } from 'vitest'
import { type Tensor4D, tf } from '../../lib/engine/tf.ts'
import { conv4 } from '../../lib/model/conv4.ts'
import { encode } from '../../lib/model/encoder.ts'
import { flatten } from '../../lib/model/flatten.ts'
import { withHead } from '../../lib/model/head.ts'
import {
  cloneNetwork,
  readWeights,
  trainableVariables,
  trainsNorms,
  writeWeights,
} from '../../lib/model/weights.ts'

const network = conv4({ size: 16, channels: 1, seed: 1 })
afterAll(() => network.dispose())
const count = (kind: string) => (name: string) => name.includes(kind)

it('reads and writes every weight, running statistics included', async () => {
  const start = await readWeights(network)
  expect(start).toHaveLength(4 * 5 + 2)
  const images = tf.randomNormal([4, 16, 16, 1], 0, 1, 'float32', 3) as Tensor4D
  encode(network, images, { training: true }).dispose()
  images.dispose()
  const moved = await readWeights(network)
  expect(moved).not.toEqual(start)
  writeWeights(network, start)
  expect(await readWeights(network)).toEqual(start)
})

it('reads copies that later training does not change', async () => {
  const [kernel] = await readWeights(network)
  const before = kernel?.slice()
  const other = (await readWeights(network)).map((weight) => weight.fill(0.5))
  writeWeights(network, other)
  expect(kernel).toEqual(before)
})

it('writes nothing when one weight does not fit', async () => {
  const before = await readWeights(network)
  const wrong = before.map((weight) => new Float32Array(weight.length))
  expect(() => writeWeights(network, [...wrong.slice(0, -1), new Float32Array(3)])).toThrow(
    'writeWeights: expected weights of',
  )
  expect(() => writeWeights(network, wrong.slice(1))).toThrow('writeWeights')
  expect(await readWeights(network)).toEqual(before)
})

it('leaves no tensor behind', async () => {
  const before = tf.memory().numTensors
  writeWeights(network, await readWeights(network))
  trainableVariables(network, 'scratch')
  expect(tf.memory().numTensors).toBe(before)
})

it('trains everything but running statistics', () => {
  const names = trainableVariables(network, 'finetune').map(({ name }) => name)
  expect(names).toHaveLength(4 * 3 + 2)
  expect(names.filter(count('gamma'))).toHaveLength(4)
  expect(names.filter(count('moving'))).toEqual([])
})

it('trains the head alone, and says so when there is none', () => {
  const pixels = withHead(flatten({ size: 4, channels: 1 }), 2)
  const names = trainableVariables(pixels, 'head').map(({ name }) => name)
  expect(names.map((name) => name.replace(/_\d+$/, ''))).toEqual(['head/kernel', 'head/bias'])
  expect(() => trainableVariables(network, 'head')).toThrow('head needs a layer named head')
  pixels.dispose()
})

it('trains the statistics of batch norms from scratch only', () => {
  expect(['scratch', 'finetune', 'head'].map((recipe) => trainsNorms(recipe as 'head'))).toEqual([
    true,
    false,
    false,
  ])
})

it('clones a network that then goes its own way', async () => {
  const before = tf.memory().numTensors
  const copy = await cloneNetwork(network)
  const original = await readWeights(network)
  expect(await readWeights(copy)).toEqual(original)
  writeWeights(
    copy,
    original.map((weight) => new Float32Array(weight.length)),
  )
  expect(await readWeights(network)).toEqual(original)
  copy.dispose()
  expect(tf.memory().numTensors).toBe(before)
})
