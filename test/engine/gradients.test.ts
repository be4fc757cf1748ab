import { afterAll, expect, it } from 'vitest'
import { randomStream } from '../../lib/engine/random.ts'
import { selectEngine } from '../../lib/engine/select.ts'
import { type LayersModel, type Tensor, tf, type Variable } from '../../lib/engine/tf.ts'
import { distance, weightsFor } from './measure.ts'

/** Convolution, batch norm and relu6 twice, once depthwise, with pooling between. */
function network(): LayersModel {
  const input = tf.input({ shape: [12, 12, 3] })
  const layers = [
    tf.layers.conv2d({ filters: 8, kernelSize: 3, padding: 'same' }),
    tf.layers.batchNormalization(),
    tf.layers.reLU({ maxValue: 6 }),
    tf.layers.maxPooling2d({ poolSize: 2 }),
    tf.layers.depthwiseConv2d({ kernelSize: 3, padding: 'same', useBias: false }),
    tf.layers.batchNormalization(),
    tf.layers.activation({ activation: 'relu6' }),
  ]
  let output = input
  for (const layer of layers) output = layer.apply(output) as typeof input
  const model = tf.model({ inputs: input, outputs: output })
  const random = randomStream(5, 'weights')
  tf.tidy(() => {
    const weights = model.getWeights().map(({ shape, size }) => {
      const values = Array.from({ length: size }, () => 0.1 + random.uniform() * 0.9)
      return tf.tensor(values, shape)
    })
    model.setWeights(weights)
  })
  return model
}

interface Trained {
  readonly slopes: readonly number[][]
  readonly statistics: readonly number[][]
}

const numbers = (tensors: readonly Tensor[]): Promise<number[][]> =>
  Promise.all(tensors.map(async (tensor) => [...(await tensor.data())]))

/** Slopes of all weights, and the running statistics after one step. */
async function train(training: boolean): Promise<Trained> {
  const random = randomStream(6, 'pictures')
  const values = Array.from({ length: 4 * 12 * 12 * 3 }, () => random.uniform() * 2 - 1)
  const pictures = tf.tensor4d(values, [4, 12, 12, 3])
  const model = network()
  const variables = model.trainableWeights.map((weight) => weight.read() as Variable)
  const { value, grads } = tf.variableGrads(() => {
    const map = model.apply(pictures, { training }) as Tensor // [batch, 6, 6, 8]
    return tf.sum(tf.mul(map, tf.tensor(weightsFor(map.size), map.shape)))
  }, variables)
  const slopes = await numbers(variables.map(({ name }) => grads[name] as Tensor))
  const statistics = await numbers(model.nonTrainableWeights.map((weight) => weight.read()))
  tf.dispose([pictures, value, grads])
  model.dispose()
  return { slopes, statistics }
}

const engine = await selectEngine('auto')
afterAll(async () => {
  await selectEngine('auto')
})

for (const training of [true, false]) {
  // Without the native engine both sides are TensorFlow.js' own, which have no such slopes.
  it.runIf(engine.name === 'tensorflow')(
    `train as TensorFlow.js' own do, batch norm ${training ? 'in training' : 'frozen'}`,
    async () => {
      await selectEngine('tensorflow')
      const ours = await train(training)
      await selectEngine('wasm') // puts the gradients of TensorFlow.js back
      await tf.setBackend('tensorflow')
      const theirs = await train(training)
      for (const [i, slopes] of theirs.slopes.entries()) {
        // A bias before batch norm has no slope but rounding: nothing is scaled up.
        const size = Math.max(...slopes.map(Math.abs), 1)
        const scaled = (list: readonly number[] = []) => list.map((slope) => slope / size)
        expect(distance(scaled(ours.slopes[i]), scaled(slopes))).toBeLessThan(1e-5)
      }
      for (const [i, statistics] of theirs.statistics.entries()) {
        expect(distance(ours.statistics[i] ?? [], statistics)).toBeLessThan(1e-5)
      }
    },
  )
}
