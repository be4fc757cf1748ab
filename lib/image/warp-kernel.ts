import { type Tensor, tf } from '../engine/tf.ts'

/** The part of the native engine that kernels are made of. */
interface NativeEngine {
  readonly binding: Readonly<Record<'TF_ATTR_STRING' | 'TF_ATTR_TYPE' | 'TF_FLOAT', number>>
  executeSingleOutput(
    name: string,
    attributes: readonly { name: string; type: number; value: string | number }[],
    inputs: readonly (Tensor | undefined)[],
  ): Tensor
}

/** What `tf.image.transform` hands to its kernel. */
interface TransformAttributes {
  readonly interpolation: string
  readonly fillMode: string
  readonly fillValue: number
  readonly outputShape?: [number, number]
}

/**
 * Gives the `tensorflow` engine the kernel of `tf.image.transform`, which `tfjs-node` leaves out
 * though libtensorflow has it.
 *
 * Registered by name: which engine runs is not asked, the others bring theirs along.
 */
export function registerWarpKernel(): void {
  if (tf.getKernel('Transform', 'tensorflow') !== undefined) {
    return
  }
  tf.registerKernel({
    kernelName: 'Transform',
    backendName: 'tensorflow',
    kernelFunc: ({ inputs, attrs, backend }) => {
      const image = inputs['image'] as Tensor
      const engine = backend as NativeEngine
      const settings = attrs as unknown as TransformAttributes
      const { TF_ATTR_STRING, TF_ATTR_TYPE, TF_FLOAT } = engine.binding
      const size = tf.tensor1d(settings.outputShape ?? image.shape.slice(1, 3), 'int32')
      const fill = tf.scalar(settings.fillValue)
      const attributes = [
        { name: 'dtype', type: TF_ATTR_TYPE, value: TF_FLOAT },
        {
          name: 'interpolation',
          type: TF_ATTR_STRING,
          value: settings.interpolation.toUpperCase(),
        },
        { name: 'fill_mode', type: TF_ATTR_STRING, value: settings.fillMode.toUpperCase() },
      ]
      const operands = [image, inputs['transforms'] as Tensor, size, fill]
      const result = engine.executeSingleOutput('ImageProjectiveTransformV3', attributes, operands)
      tf.dispose([size, fill])
      return result
    },
  })
}
