import { afterAll, expect, it } from 'vitest'
import { tf } from '../../lib/engine/tf.ts'
import { conv4 } from '../../lib/model/conv4.ts'
import { mobilenetV2 } from '../../lib/model/mobilenet-v2.ts'
import { loadTorchWeights } from '../../lib/model/torch-layers.ts'
import { randomTorchTensors } from './naive-forward.ts'

const network = mobilenetV2()
const tensors = randomTorchTensors(network)
afterAll(() => network.dispose())

it('leaves no tensor behind and does not mind more tensors than layers ask for', () => {
  const classifier = { shape: [1], data: Float32Array.of(1) }
  const before = tf.memory().numTensors
  loadTorchWeights(network, new Map([...tensors, ['classifier.1.bias', classifier]]))
  expect(tf.memory().numTensors).toBe(before)
})

it('names the tensor that is missing', () => {
  const without = new Map(tensors)
  without.delete('features.3.conv.1.1.running_var')
  expect(() => loadTorchWeights(network, without)).toThrow(
    'expected features.3.conv.1.1.running_var, got none',
  )
})

it('names the tensor that has another shape', () => {
  const wrong = new Map(tensors).set('features.0.0.weight', {
    shape: [32, 3, 5, 5],
    data: new Float32Array(32 * 75),
  })
  expect(() => loadTorchWeights(network, wrong)).toThrow(
    'features.0.0.weight must become [3,3,3,32], got [5,5,3,32]',
  )
})

it('refuses layers that torch has no names for', () => {
  const dense = conv4({ size: 16, channels: 1 })
  expect(() => loadTorchWeights(dense, randomTorchTensors(dense))).toThrow('got Dense embedding')
  dense.dispose()
})
