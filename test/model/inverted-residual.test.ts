import { afterAll, expect, it } from 'vitest'
import { type Scalar, type Tensor4D, tf } from '../../lib/engine/tf.ts'
import { encode } from '../../lib/model/encoder.ts'
import { mobilenetV2 } from '../../lib/model/mobilenet-v2.ts'
import { loadTorchWeights } from '../../lib/model/torch-layers.ts'
import { readWeights, trainableVariables } from '../../lib/model/weights.ts'
import { randomTorchTensors } from './naive-forward.ts'

const network = mobilenetV2()
loadTorchWeights(network, randomTorchTensors(network))
afterAll(() => network.dispose())

it('lets a gradient into every weight while running statistics stay frozen', async () => {
  const images = tf.randomNormal([4, 32, 32, 3], 0, 1, 'float32', 1) as Tensor4D
  const before = await readWeights(network)
  const variables = trainableVariables(network, 'finetune')
  const direction = tf.randomNormal([4, 1280], 0, 1, 'float32', 2)
  const loss = (): Scalar => tf.sum(tf.mul(encode(network, images), direction))
  const { value, grads } = tf.variableGrads(loss, variables)
  for (const { name } of variables) {
    const [largest = 0] = await tf.max(tf.abs(grads[name] ?? tf.scalar(0))).data()
    expect(largest, name).toBeGreaterThan(0)
  }
  expect(variables.filter(({ name }) => name.includes('gamma'))).toHaveLength(52)
  expect(await readWeights(network)).toEqual(before)
  tf.dispose([value, grads, images, direction])
})

it('consists of stock layers only', () => {
  expect([...new Set(network.layers.map((layer) => layer.getClassName()))].sort()).toEqual([
    'Add',
    'BatchNormalization',
    'Conv2D',
    'DepthwiseConv2D',
    'GlobalAveragePooling2D',
    'InputLayer',
    'ReLU',
    'ZeroPadding2D',
  ])
})
