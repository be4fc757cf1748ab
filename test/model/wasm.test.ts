import { expect, it } from 'vitest'
import { selectEngine } from '../../lib/engine/select.ts'
import { type Tensor2D, tf } from '../../lib/engine/tf.ts'
import { rotated } from '../../lib/model/rotate.ts'

it('turns a linear layer whose rotated bias the wasm engine can fuse', async () => {
  await selectEngine('wasm')
  const input = tf.input({ shape: [3] })
  const dense = tf.layers.dense({ units: 2 })
  const network = tf.model({ inputs: input, outputs: dense.apply(input) as typeof input })
  dense.setWeights([tf.ones([3, 2]), tf.tensor1d([1, 2])])
  // A quarter turn: [x, y] becomes [y, −x].
  const turned = await rotated(network, Float32Array.of(0, -1, 1, 0))
  const rows = turned.predict(tf.tensor2d([[1, 0, 0]])) as Tensor2D
  expect(await rows.array()).toEqual([[3, -2]])
})
