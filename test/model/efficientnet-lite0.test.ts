import { afterAll, expect, it } from 'vitest'
import { type Tensor2D, tf } from '../../lib/engine/tf.ts'
import { efficientnetLite0 } from '../../lib/model/efficientnet-lite0.ts'
import { loadTorchWeights } from '../../lib/model/torch-layers.ts'
import * as naive from './naive-forward.ts'

const network = efficientnetLite0()
const tensors = naive.randomTorchTensors(network, '_')
loadTorchWeights(network, tensors, '_')
afterAll(() => network.dispose())

/** Walks the modules of the torch port; a block widens if it has such a convolution. */
function naiveForward(picture: naive.Planes): number[] {
  const weight = (name: string) => {
    const found = tensors.get(`${name}.weight`)
    if (found === undefined) throw new Error(`no ${name}.weight`)
    return found
  }
  const normed = (x: naive.Planes, convolution: string, norm: string, stride = 1) =>
    naive.norm(naive.convolve(x, weight(convolution), stride, naive.asNeeded), tensors, norm, 1e-3)
  const strided = new Set([1, 3, 5, 11])
  let x = naive.relu6(normed(picture, '_conv_stem', '_bn0', 2))
  for (let block = 0; block <= 15; block += 1) {
    const at = (module: string) => `_blocks.${block}._${module}`
    const stride = strided.has(block) ? 2 : 1
    let y = x
    if (block > 0) y = naive.relu6(normed(y, at('expand_conv'), at('bn0')))
    y = naive.relu6(normed(y, at('depthwise_conv'), at('bn1'), stride))
    y = normed(y, at('project_conv'), at('bn2'))
    x = stride === 1 && x.length === y.length ? naive.add(x, y) : y
  }
  return naive.pool(naive.relu6(normed(x, '_conv_head', '_bn1')))
}

it.each([32, 37])('agrees with the textbook loops over torch modules, %i pixels', async (side) => {
  const { planes, pixels } = naive.randomPicture(side)
  const output = tf.tidy(
    () => network.apply(tf.tensor4d(pixels, [1, side, side, 3]), { training: false }) as Tensor2D,
  )
  const features = await output.data()
  output.dispose()
  const expected = naiveForward(planes)
  expect(features).toHaveLength(1280)
  // 52 layers in float32 add up to more than one rounding.
  expected.forEach((value, i) => {
    expect(features[i]).toBeCloseTo(value, 3)
  })
  expect(Math.max(...expected)).toBeGreaterThan(1)
})

it('has 3.4 million weights without the classifier', () => {
  const trainable = network.trainableWeights.map(({ shape }) =>
    tf.util.sizeFromShape(shape as number[]),
  )
  expect(trainable.reduce((a, b) => a + b, 0)).toBe(3_371_008)
})

it('takes pictures of any size to 1280 features', () => {
  expect(network.inputs[0]?.shape).toEqual([null, null, null, 3])
  expect(network.outputShape).toEqual([null, 1280])
})
