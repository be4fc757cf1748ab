import {
  executeHandles,
  type Handle,
  type KernelCall,
  registeredNative,
  registerNative,
} from './native-op.ts'
import { type Tensor, tf } from './tf.ts'

/** The padding and sizes of a pooling, as TensorFlow wants them; `undefined` where it has none. */
function window(attrs: KernelCall['attrs'], shape: readonly number[]) {
  const { computePool2DInfo } = tf.backend_util
  type Pool = Parameters<typeof computePool2DInfo>
  const { filterSize, strides, pad, dimRoundingMode } = attrs
  const sizes = [shape, filterSize, strides, 1, pad, dimRoundingMode] as unknown as Pool
  const info = computePool2DInfo(...sizes)
  const padding = info.padInfo.type
  if (padding !== 'VALID' && padding !== 'SAME') return
  return {
    ksize: [1, info.filterHeight, info.filterWidth, 1],
    strides: [1, info.strideHeight, info.strideWidth, 1],
    padding,
  }
}

/**
 * `MaxPoolGrad` by way of the positions of the maxima.
 *
 * TensorFlow's own kernel runs on one thread and looks for the maxima again. The one that takes
 * their positions wants 64-bit integers, which are six times as slow to find as 32-bit ones: so
 * find, widen, scatter. A GPU has neither the 32-bit kernel nor the need.
 */
export function registerMaxPoolGrad(): void {
  const stock = registeredNative('MaxPoolGrad')
  registerNative('MaxPoolGrad', (call) => {
    const { inputs, attrs, backend } = call
    const { dy, input } = inputs as Record<'dy' | 'input', Tensor>
    const attributes = window(attrs, input.shape)
    if (!attributes || backend.isUsingGpuDevice) return stock(call)
    const [x, slopes] = backend.getInputTensorIds([input, dy]) as [number, number]
    const find = { name: 'MaxPoolWithArgmax', types: { T: 'FLOAT', Targmax: 'INT32' } } as const
    const widen = { name: 'Cast', types: { SrcT: 'INT32', DstT: 'INT64' } } as const
    const scatter = {
      name: 'MaxPoolGradWithArgmax',
      types: { T: 'FLOAT', Targmax: 'INT64' },
    } as const
    const [maxima, narrow] = executeHandles(backend, { ...find, attributes, outputs: 2 }, [x]) as [
      Handle,
      Handle,
    ]
    const [wide] = executeHandles(backend, widen, [narrow.id]) as [Handle]
    const [result] = executeHandles(backend, { ...scatter, attributes }, [x, slopes, wide.id]) as [
      Handle,
    ]
    for (const { id } of [maxima, narrow, wide]) backend.binding.deleteTensor(id)
    return backend.createOutputTensor(result)
  })
}
