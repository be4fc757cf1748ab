import { type LayersModel, tf } from '../engine/tf.ts'
import {
  type InvertedResidual,
  invertedResidual,
  type NetworkStyle,
  normedConvolution,
} from './inverted-residual.ts'

const style: NetworkStyle = { epsilon: 1e-5, padding: 'symmetric' }

/** Stages of table 2 of the paper: expansion, filters, blocks, stride of the first block. */
const stages = [
  [1, 16, 1, 1],
  [6, 24, 2, 2],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
] as const

/** Blocks in order, with the names that torchvision gives their modules. */
function blocks(): InvertedResidual[] {
  return stages.flatMap(([expansion, filters, count, firstStride], stage) => {
    const before = stages.slice(0, stage).reduce((sum, [, , blocks]) => sum + blocks, 1)
    return Array.from({ length: count }, (_, i): InvertedResidual => {
      const name = `features.${before + i}`
      const module = (path: string) => `${name}.conv.${path}`
      const first = expansion === 1 ? 0 : 1
      return {
        name,
        ...(first === 1 && { widen: { name: module('0.0'), norm: module('0.1') } }),
        filter: { name: module(`${first}.0`), norm: module(`${first}.1`) },
        narrow: { name: module(`${first + 1}`), norm: module(`${first + 2}`) },
        expansion,
        filters,
        kernel: 3,
        stride: i === 0 ? firstStride : 1,
      }
    })
  })
}

/**
 * MobileNetV2 of width 1 without its classifier, all weights of the convolutions zero.
 *
 * Layers bear the names of torchvision's modules, so that its weights find their places.
 *
 * @returns Network from normalised pictures, shape [batch, height, width, 3] of any size, to
 * pooled features, shape [batch, 1280].
 * @see Sandler et al. (2018), MobileNetV2: Inverted Residuals and Linear Bottlenecks.
 */
export function mobilenetV2(): LayersModel {
  const images = tf.input({ shape: [null, null, 3], name: 'images' })
  const stem = { name: 'features.0.0', norm: 'features.0.1', filters: 32, kernel: 3, stride: 2 }
  const last = { name: 'features.18.0', norm: 'features.18.1', filters: 1280, kernel: 1 }
  const start = normedConvolution(images, stem, style) // [batch, height / 2, width / 2, 32]
  const map = blocks().reduce((map, block) => invertedResidual(map, block, style), start) // [batch, height / 32, width / 32, 320]
  const features = tf.layers
    .globalAveragePooling2d({ name: 'features' })
    .apply(normedConvolution(map, last, style)) // [batch, 1280]
  return tf.model({
    name: 'mobilenet-v2',
    inputs: images,
    outputs: features as typeof images,
  })
}
