import { type LayersModel, tf } from '../engine/tf.ts'
import {
  type InvertedResidual,
  invertedResidual,
  type NetworkStyle,
  normedConvolution,
} from './inverted-residual.ts'

const style: NetworkStyle = { epsilon: 1e-3, padding: 'same' }

/** Stages of EfficientNet-B0: kernel, expansion, filters, blocks, stride of the first block. */
const stages = [
  [3, 1, 16, 1, 1],
  [3, 6, 24, 2, 2],
  [5, 6, 40, 2, 2],
  [3, 6, 80, 3, 2],
  [5, 6, 112, 3, 1],
  [5, 6, 192, 4, 2],
  [3, 6, 320, 1, 1],
] as const

/** Blocks in order, named like the modules of the torch port without their first underscore. */
function blocks(): InvertedResidual[] {
  return stages.flatMap(([kernel, expansion, filters, count, firstStride], stage) => {
    const before = stages.slice(0, stage).reduce((sum, [, , , blocks]) => sum + blocks, 0)
    return Array.from({ length: count }, (_, i): InvertedResidual => {
      const name = `blocks.${before + i}`
      return {
        name,
        ...(expansion > 1 && {
          widen: { name: `${name}._expand_conv`, norm: `${name}._bn0` },
        }),
        filter: { name: `${name}._depthwise_conv`, norm: `${name}._bn1` },
        narrow: { name: `${name}._project_conv`, norm: `${name}._bn2` },
        expansion,
        filters,
        kernel,
        stride: i === 0 ? firstStride : 1,
      }
    })
  })
}

/**
 * EfficientNet-Lite0 without its classifier, all weights of the convolutions zero.
 *
 * EfficientNet-B0 with relu6 and without squeeze-and-excite. Strided convolutions pad as
 * TensorFlow does, where the weights were trained.
 *
 * @returns Network from normalised pictures, shape [batch, height, width, 3] of any size, to
 * pooled features, shape [batch, 1280].
 * @see Tan and Le (2019), EfficientNet, table 1.
 */
export function efficientnetLite0(): LayersModel {
  const images = tf.input({ shape: [null, null, 3], name: 'images' })
  const stem = { name: 'conv_stem', norm: 'bn0', filters: 32, kernel: 3, stride: 2 }
  const last = { name: 'conv_head', norm: 'bn1', filters: 1280, kernel: 1 }
  const start = normedConvolution(images, stem, style) // [batch, height / 2, width / 2, 32]
  const map = blocks().reduce((map, block) => invertedResidual(map, block, style), start) // [batch, height / 32, width / 32, 320]
  const features = tf.layers
    .globalAveragePooling2d({ name: 'features' })
    .apply(normedConvolution(map, last, style)) // [batch, 1280]
  return tf.model({
    name: 'efficientnet-lite0',
    inputs: images,
    outputs: features as typeof images,
  })
}
