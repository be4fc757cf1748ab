import { runKernel } from './native-op.ts'
import { type Tensor, tf } from './tf.ts'

/** The method of a stock layer's class that computes, for every layer of that class. */
interface LayerClass<Self> {
  call(this: Self, inputs: Tensor | Tensor[], options: { training?: boolean }): Tensor | Tensor[]
}

/** Has the layers as TensorFlow.js wrote them. */
type Undo = () => void

const classOf = <Self>(layer: object): LayerClass<Self> => Object.getPrototypeOf(layer)

const only = (inputs: Tensor | Tensor[]): Tensor =>
  Array.isArray(inputs) ? (inputs[0] as Tensor) : inputs

/** `min(6, relu(x))`, as an activation and as a layer, becomes the one kernel that it is. */
function respellRelu6(): Undo {
  const { activation } = tf.layers.activation({ activation: 'relu6' }) as unknown as {
    activation: { apply(x: Tensor): Tensor }
  }
  const relu6 = Object.getPrototypeOf(activation)
  const composed = relu6.apply
  relu6.apply = tf.relu6
  const relu = classOf<{ maxValue?: number }>(tf.layers.reLU())
  const stock = relu.call
  relu.call = function (inputs, options) {
    return this.maxValue === 6 ? tf.relu6(only(inputs)) : stock.call(this, inputs, options)
  }
  return () => {
    relu6.apply = composed
    relu.call = stock
  }
}

interface LayerVariable {
  read(): Tensor
  write(value: Tensor): void
}
interface BatchNorm {
  readonly axis: number
  readonly epsilon: number
  readonly momentum: number
  readonly gamma: LayerVariable | null
  readonly beta: LayerVariable | null
  readonly movingMean: LayerVariable
  readonly movingVariance: LayerVariable
}

/** Moves a running statistic towards the batch's. */
function follow(statistic: LayerVariable, value: Tensor, momentum: number): void {
  const before = statistic.read()
  statistic.write(tf.add(before, tf.mul(tf.sub(value, before), 1 - momentum)))
}

/** Batch norm in training becomes `BatchNormTraining`, one kernel with one gradient. */
function respellBatchNorm(): Undo {
  const norm = classOf<BatchNorm>(tf.layers.batchNormalization())
  const stock = norm.call
  norm.call = function (inputs, options) {
    const x = only(inputs)
    const { gamma, beta, axis, epsilon } = this
    const fits = x.rank === 4 && (axis === 3 || axis === -1) && gamma && beta
    if (!options.training || !fits) return stock.call(this, inputs, options)
    return tf.tidy(() => {
      const arrays = { x, scale: gamma.read(), offset: beta.read() }
      const results = runKernel('BatchNormTraining', arrays, { epsilon })
      const [y, mean, unbiased] = results as [Tensor, Tensor, Tensor]
      const n = x.size / (x.shape[3] as number)
      follow(this.movingMean, mean, this.momentum)
      follow(this.movingVariance, tf.mul(unbiased, (n - 1) / n), this.momentum)
      return y
    })
  }
  return () => {
    norm.call = stock
  }
}

/**
 * Convolution and bias apart while gradients are recorded: the fused form makes the slope of its
 * input even where nobody asks for it, as for pictures.
 */
function respellConvolution(): Undo {
  const fused = tf.fused as { conv2d: typeof tf.fused.conv2d }
  const stock = fused.conv2d
  fused.conv2d = ((args) => {
    const { activation, bias, dataFormat = 'NHWC' } = args
    const isTaped = (tf.engine() as unknown as TapeDepth).state.gradientDepth > 0
    const isLinear = activation === undefined || activation === null || activation === 'linear'
    if (!isTaped || !isLinear || dataFormat !== 'NHWC') return stock(args)
    const { x, filter, strides, pad, dilations = [1, 1], dimRoundingMode } = args
    const y = tf.conv2d(x, filter, strides, pad, dataFormat, dilations, dimRoundingMode)
    return bias ? tf.add(y, bias) : y
  }) as typeof stock
  return () => {
    fused.conv2d = stock
  }
}
interface TapeDepth {
  readonly state: { readonly gradientDepth: number }
}

/**
 * Has the stock layers say what they mean in kernels that the native engine does in one pass.
 *
 * Networks stay as they are, and so do their results; only the spelling changes.
 *
 * @returns Puts the layers of TensorFlow.js back.
 */
export function respellStockLayers(): () => void {
  const undos = [respellRelu6(), respellBatchNorm(), respellConvolution()]
  return () => {
    for (const undo of undos) undo()
  }
}
