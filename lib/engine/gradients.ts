import { registerNativeKernels } from './native-kernels.ts'
import { runKernel } from './native-op.ts'
import { retireAfter } from './retire.ts'
import { type Tensor, tf } from './tf.ts'

/** Slope of `relu` and `relu6` from the activation, which is kept in place of the input. */
function registerRelu(kernelName: 'Relu' | 'Relu6'): void {
  tf.registerGradient({
    kernelName,
    outputsToSave: [true],
    gradFunc: (dy, [y]) => ({
      x: () => runKernel(`${kernelName}Grad`, { dy: dy as Tensor, y: y as Tensor })[0] as Tensor,
    }),
  })
}

/** Slopes of a batch norm with given statistics: one kernel for x, scale and offset. */
function registerFrozenBatchNorm(): void {
  const stock = tf.getGradient('FusedBatchNorm')
  tf.registerGradient({
    ...stock,
    gradFunc: (dy, saved, attrs) => {
      const [x, mean, variance, scale] = saved as [Tensor, Tensor, Tensor, Tensor | undefined]
      if (mean.rank !== 1 || !scale) return stock.gradFunc(dy, saved, attrs)
      const epsilon = attrs['varianceEpsilon'] as number
      const reserve = tf.tensor1d([])
      const inputs = { dy: dy as Tensor, x, scale, mean, variance, reserve }
      const slopes = runKernel('BatchNormGrad', inputs, { epsilon, training: false })
      const [ofX, ofScale, ofOffset] = slopes as [Tensor, Tensor, Tensor]
      return {
        x: () => ofX,
        scale: () => ofScale,
        offset: () => ofOffset,
        // Asked for only where the statistics are no constants.
        mean: () => stock.gradFunc(dy, saved, attrs)['mean']?.() as Tensor,
        variance: () => stock.gradFunc(dy, saved, attrs)['variance']?.() as Tensor,
      }
    },
  })
}

/** Slopes of a batch norm with the statistics of its batch. */
function registerBatchNormTraining(): void {
  tf.registerGradient({
    kernelName: 'BatchNormTraining',
    inputsToSave: ['x', 'scale'],
    outputsToSave: [false, false, false, true, true, true],
    gradFunc: (dys, saved, attrs) => {
      const [x, scale, mean, variance, reserve] = saved as [Tensor, Tensor, Tensor, Tensor, Tensor]
      const inputs = { dy: (dys as Tensor[])[0] as Tensor, x, scale, mean, variance, reserve }
      const slopes = runKernel('BatchNormGrad', inputs, { ...attrs, training: true })
      const [ofX, ofScale, ofOffset] = slopes as [Tensor, Tensor, Tensor]
      return { x: () => ofX, scale: () => ofScale, offset: () => ofOffset }
    },
  })
}

/** Kernels whose slopes are large: those of a convolutional network. */
const retired = [
  ...['Relu', 'Relu6', 'FusedBatchNorm', 'BatchNormTraining', 'Add', 'Reshape'],
  ...['Conv2D', 'DepthwiseConv2dNative', 'MaxPool', 'AvgPool', 'Mean', 'PadV2'],
] as const

/**
 * Gives the native engine its own gradients for the kernels that training spends its time in.
 *
 * Equal to TensorFlow.js' own but for the points where a function has no slope (an activation of
 * exactly 0 or 6). First derivatives only: a second one says that it has no gradient. Every other
 * gradient of TensorFlow.js stays; those of convolutions are single native kernels already.
 *
 * @returns Puts TensorFlow.js' own gradients back, for an engine that has none of these kernels.
 */
export function registerNativeGradients(): () => void {
  const stock = retired.flatMap((name) => tf.getGradient(name) ?? [])
  registerNativeKernels()
  registerRelu('Relu')
  registerRelu('Relu6')
  registerFrozenBatchNorm()
  registerBatchNormTraining()
  for (const name of retired) retireAfter(name)
  return () => {
    tf.unregisterGradient('BatchNormTraining')
    for (const gradient of stock) tf.registerGradient(gradient)
  }
}
