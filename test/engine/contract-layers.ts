import { expect, it } from 'vitest'
import { type Tensor, tf, type Variable } from '../../lib/engine/tf.ts'
import { distance, plainInputs, weightsFor } from './measure.ts'
import { moments, normalise, type Plain, slopes } from './naive.ts'

const [x] = plainInputs({ name: 'layer', shapes: [[3, 4, 4, 2]], range: [-2, 3] }) as [Plain]
const learned = { scale: [1.5, -0.75], offset: [0.25, 0.5] }
const kept = { mean: [0.125, -0.25], variance: [0.5, 2] }
const epsilon = 1e-3
const momentum = 0.9
const weights = weightsFor(x.values.length)
const dot = (values: readonly number[]): number =>
  values.reduce((sum, v, i) => sum + v * (weights[i] as number), 0)

/** A batch norm with known weights, and the tensors that it was given. */
function batchNorm() {
  const layer = tf.layers.batchNormalization({ epsilon, momentum, inputShape: [4, 4, 2] })
  layer.build([null, 4, 4, 2])
  const given = [learned.scale, learned.offset, kept.mean, kept.variance]
  tf.tidy(() => layer.setWeights(given.map((values) => tf.tensor1d([...values]))))
  return layer
}

/** Slopes of the weighted results for the map, the scale and the offset. */
function slopesOf(layer: ReturnType<typeof batchNorm>, map: Variable, training: boolean): Tensor[] {
  const [scale, offset] = layer.trainableWeights.map((w) => w.read() as Variable)
  const list = [map, scale as Variable, offset as Variable]
  return tf.tidy(() => {
    const { grads } = tf.variableGrads(() => {
      const y = layer.apply(map, { training }) as Tensor
      return tf.sum(tf.mul(y, tf.tensor(weights, y.shape)))
    }, list)
    return list.map((variable) => grads[variable.name] as Tensor)
  })
}

const asVariable = (): Variable => tf.variable(tf.tensor([...x.values], [...x.shape]))

/** Stock layers as networks use them, in training and frozen. */
export function describeLayers(traits: { readonly convolutionGradients: boolean }): void {
  const relus = [
    ['layer', () => tf.layers.reLU({ maxValue: 6 })],
    ['activation', () => tf.layers.activation({ activation: 'relu6' })],
  ] as const
  for (const [name, make] of relus) {
    it(`relu6 as a ${name}: has the values and slopes of the loops`, async () => {
      const [plain] = plainInputs({ name, shapes: [[4, 5]], range: [-9, 9] }) as [Plain]
      const input = tf.tensor2d([...plain.values], [4, 5])
      const layer = make()
      const y = layer.apply(input) as Tensor
      const dy = tf.tensor(weightsFor(20), [4, 5])
      const slope = tf.grad((t) => layer.apply(t) as Tensor)(input, dy)
      const inside = (v: number) => (v > 0 && v < 6 ? 1 : 0)
      const expected = plain.values.map((v, i) => inside(v) * (weightsFor(20)[i] as number))
      expect(
        distance(
          await y.data(),
          plain.values.map((v) => Math.min(6, Math.max(0, v))),
        ),
      ).toBe(0)
      expect(distance(await slope.data(), expected)).toBe(0)
      tf.dispose([input, y, dy, slope])
    })
  }

  for (const training of [true, false]) {
    const mode = training ? 'in training' : 'frozen'
    const statistics = (map: Plain) => (training ? moments(map) : kept)
    it(`batch norm ${mode}: computes what the loops compute`, async () => {
      const layer = batchNorm()
      const map = asVariable()
      const y = tf.tidy(() => layer.apply(map, { training }) as Tensor)
      const expected = normalise(x, statistics(x), learned, epsilon)
      expect(distance(await y.data(), expected)).toBeLessThan(1e-5)
      tf.dispose([y, map])
      tf.dispose(layer.getWeights())
    })
    it(`batch norm ${mode}: keeps the statistics that it should`, async () => {
      const layer = batchNorm()
      const map = asVariable()
      tf.dispose(tf.tidy(() => layer.apply(map, { training }) as Tensor))
      const seen = statistics(x)
      const follow = (before: readonly number[], now: readonly number[]) =>
        before.map((v, i) => v * momentum + (now[i] as number) * (1 - momentum))
      const [, , mean, variance] = layer.getWeights() as [Tensor, Tensor, Tensor, Tensor]
      expect(distance(await mean.data(), follow(kept.mean, seen.mean))).toBeLessThan(1e-6)
      expect(distance(await variance.data(), follow(kept.variance, seen.variance))).toBeLessThan(
        1e-6,
      )
      tf.dispose(map)
      tf.dispose(layer.getWeights())
    })
    if (training && !traits.convolutionGradients) continue
    it(`batch norm ${mode}: has the slopes of the loops`, async () => {
      const layer = batchNorm()
      const map = asVariable()
      const [ofMap, ofScale, ofOffset] = slopesOf(layer, map, training) as [Tensor, Tensor, Tensor]
      const rise = (one: Plain, two: typeof learned) =>
        dot(normalise(one, statistics(one), two, epsilon))
      const expectedMap = slopes((values) => rise({ ...x, values }, learned), x.values)
      const expectedScale = slopes((s) => rise(x, { ...learned, scale: [...s] }), learned.scale)
      const expectedOffset = slopes((o) => rise(x, { ...learned, offset: [...o] }), learned.offset)
      expect(distance(await ofMap.data(), expectedMap)).toBeLessThan(2e-5)
      expect(distance(await ofScale.data(), expectedScale)).toBeLessThan(2e-5)
      expect(distance(await ofOffset.data(), expectedOffset)).toBeLessThan(2e-5)
      tf.dispose([map, ofMap, ofScale, ofOffset])
      tf.dispose(layer.getWeights())
    })
    it(`batch norm ${mode}: leaves only its results alive`, () => {
      const layer = batchNorm()
      const map = asVariable()
      tf.dispose(tf.tidy(() => layer.apply(map, { training }) as Tensor))
      const before = tf.memory().numTensors
      tf.dispose(tf.tidy(() => layer.apply(map, { training }) as Tensor))
      expect(tf.memory().numTensors).toBe(before)
      tf.dispose(map)
      tf.dispose(layer.getWeights())
    })
  }
}
