import { afterAll, expect, it } from 'vitest'
import { type Tensor2D, tf } from '../../lib/engine/tf.ts'
import { mobilenetV2 } from '../../lib/model/mobilenet-v2.ts'
import { loadTorchWeights } from '../../lib/model/torch-layers.ts'
import * as naive from './naive-forward.ts'

const network = mobilenetV2()
const tensors = naive.randomTorchTensors(network)
loadTorchWeights(network, tensors)
afterAll(() => network.dispose())

/** Walks torchvision's modules; a block widens if it has two convolutions before the last. */
function naiveForward(picture: naive.Planes): number[] {
  const weight = (name: string) => {
    const found = tensors.get(`${name}.weight`)
    if (found === undefined) throw new Error(`no ${name}.weight`)
    return found
  }
  const normed = (x: naive.Planes, convolution: string, norm: string, stride = 1) =>
    naive.norm(naive.convolve(x, weight(convolution), stride, naive.evenly), tensors, norm, 1e-5)
  const strided = new Set([2, 4, 7, 14])
  let x = naive.relu6(normed(picture, 'features.0.0', 'features.0.1', 2))
  for (let block = 1; block <= 17; block += 1) {
    const at = (path: string) => `features.${block}.conv.${path}`
    const stride = strided.has(block) ? 2 : 1
    const last = block === 1 ? 1 : 2
    let y = x
    if (block > 1) y = naive.relu6(normed(y, at('0.0'), at('0.1')))
    y = naive.relu6(normed(y, at(`${last - 1}.0`), at(`${last - 1}.1`), stride))
    y = normed(y, at(`${last}`), at(`${last + 1}`))
    x = stride === 1 && x.length === y.length ? naive.add(x, y) : y
  }
  return naive.pool(naive.relu6(normed(x, 'features.18.0', 'features.18.1')))
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

it('has the weights of the paper: 2.2 million without the classifier', () => {
  const trainable = network.trainableWeights.map(({ shape }) =>
    tf.util.sizeFromShape(shape as number[]),
  )
  expect(trainable.reduce((a, b) => a + b, 0)).toBe(2_223_872)
})

it('takes pictures of any size to 1280 features', () => {
  expect(network.inputs[0]?.shape).toEqual([null, null, null, 3])
  expect(network.outputShape).toEqual([null, 1280])
})
