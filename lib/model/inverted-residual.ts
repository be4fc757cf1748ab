import { tf } from '../engine/tf.ts'

/** A tensor of a network under construction. */
export type SymbolicTensor = ReturnType<typeof tf.input>

/** What a whole network has in common. */
export interface NetworkStyle {
  /** Added to the variance in each batch norm. */
  readonly epsilon: number
  /**
   * Where a stride of 2 puts its padding: evenly around (torch), or more at the end where the size
   * is even (TensorFlow's `same`). Without a stride both are the same.
   */
  readonly padding: 'symmetric' | 'same'
}

/** One convolution with its batch norm; layers bear the names of torch's modules. */
export interface NormedConvolution {
  readonly name: string
  readonly norm: string
  /** Output channels; absent for a depthwise convolution. */
  readonly filters?: number
  readonly kernel: number
  readonly stride?: number
  /** Whether a relu6 follows. Default true. */
  readonly isActivated?: boolean
}

/**
 * Convolution without bias, batch norm, relu6: the brick of both pretrained networks.
 *
 * The norm is a layer of its own, never folded into the convolution, so that its affine weights
 * train while its running statistics stay frozen.
 *
 * @param input - Shape [batch, height, width, channels].
 */
export function normedConvolution(
  input: SymbolicTensor,
  { name, norm, filters, kernel, stride = 1, isActivated = true }: NormedConvolution,
  style: NetworkStyle,
): SymbolicTensor {
  const isPadded = style.padding === 'symmetric' && stride > 1
  const half = (kernel - 1) / 2
  const padded = isPadded
    ? tf.layers.zeroPadding2d({ padding: half, name: `${name}.pad` }).apply(input)
    : input
  const shared = {
    name,
    kernelSize: kernel,
    strides: stride,
    padding: isPadded ? ('valid' as const) : ('same' as const),
    useBias: false,
  }
  const convolution =
    filters === undefined
      ? tf.layers.depthwiseConv2d({ ...shared, depthwiseInitializer: 'zeros' })
      : tf.layers.conv2d({ ...shared, filters, kernelInitializer: 'zeros' })
  const normed = tf.layers
    .batchNormalization({ name: norm, epsilon: style.epsilon })
    .apply(convolution.apply(padded))
  const output = isActivated
    ? tf.layers.reLU({ maxValue: 6, name: `${norm}.relu6` }).apply(normed)
    : normed
  return output as SymbolicTensor // [batch, height / stride, width / stride, filters]
}

/** An inverted residual: widen, filter each channel, narrow; added to its input where both fit. */
export interface InvertedResidual {
  /** Of the layer that adds. */
  readonly name: string
  /** Absent in the first block, which does not widen. */
  readonly widen?: { readonly name: string; readonly norm: string }
  readonly filter: { readonly name: string; readonly norm: string }
  readonly narrow: { readonly name: string; readonly norm: string }
  /** Channels inside, as a multiple of the input's. */
  readonly expansion: number
  readonly filters: number
  readonly kernel: number
  readonly stride: number
}

/**
 * Adds one inverted residual block.
 *
 * @param input - Shape [batch, height, width, channels].
 * @see Sandler et al. (2018), MobileNetV2, table 1.
 */
export function invertedResidual(
  input: SymbolicTensor,
  block: InvertedResidual,
  style: NetworkStyle,
): SymbolicTensor {
  const channels = input.shape.at(-1) as number
  const { widen, filter, narrow, expansion, filters, kernel, stride } = block
  const wide =
    widen === undefined
      ? input
      : normedConvolution(input, { ...widen, filters: channels * expansion, kernel: 1 }, style)
  const filtered = normedConvolution(wide, { ...filter, kernel, stride }, style)
  const output = normedConvolution(
    filtered,
    { ...narrow, filters, kernel: 1, isActivated: false },
    style,
  )
  if (stride > 1 || channels !== filters) return output
  return tf.layers.add({ name: block.name }).apply([input, output]) as SymbolicTensor
}
