import { type Tensor, tf } from './tf.ts'

/** Value of an attribute of a TensorFlow operation; a number is an integer unless `{ float }`. */
export type Attribute = boolean | string | number | readonly number[] | { readonly float: number }

/** A tensor on TensorFlow's side. */
export interface Handle {
  readonly id: number
  readonly shape: number[]
  readonly dtype: number
}

/** What we use of the native engine, beyond the interface that every backend has. */
export interface NativeBackend {
  readonly isUsingGpuDevice: boolean
  readonly binding: {
    readonly [constant: `TF_${string}`]: number
    executeOp(name: string, attributes: object[], inputs: number[], outputs: number): Handle[]
    deleteTensor(id: number): void
  }
  getInputTensorIds(tensors: readonly Tensor[]): number[]
  createOutputTensor(handle: Handle): Tensor
}

/** One call of a TensorFlow operation. */
export interface NativeCall {
  readonly name: string
  /** Element types by attribute name. */
  readonly types: Readonly<Record<string, 'FLOAT' | 'INT32' | 'INT64'>>
  readonly attributes?: Readonly<Record<string, Attribute>>
  /** How many results it has. Default 1. */
  readonly outputs?: number
}

function encoded(binding: NativeBackend['binding'], call: NativeCall): object[] {
  const attribute = (name: string, kind: string, value: unknown) => ({
    name,
    type: binding[`TF_ATTR_${kind}`],
    value,
  })
  const types = Object.entries(call.types).map(([name, type]) =>
    attribute(name, 'TYPE', binding[`TF_${type}`]),
  )
  const others = Object.entries(call.attributes ?? {}).map(([name, value]) => {
    if (typeof value === 'boolean') return attribute(name, 'BOOL', value)
    if (typeof value === 'string') return attribute(name, 'STRING', value)
    if (typeof value === 'object' && 'float' in value) return attribute(name, 'FLOAT', value.float)
    return attribute(name, 'INT', value)
  })
  return [...types, ...others]
}

/**
 * Runs a TensorFlow operation on handles: what TensorFlow.js cannot hold, such as 64-bit integers,
 * stays on this level. The caller deletes the results.
 */
export function executeHandles(
  { binding }: NativeBackend,
  call: NativeCall,
  inputs: number[],
): Handle[] {
  return binding.executeOp(call.name, encoded(binding, call), inputs, call.outputs ?? 1)
}

/** Runs a TensorFlow operation that TensorFlow.js has no name for. The caller owns the results. */
export function execute(
  backend: NativeBackend,
  call: NativeCall,
  inputs: readonly Tensor[],
): Tensor[] {
  const handles = executeHandles(backend, call, backend.getInputTensorIds(inputs))
  return handles.map((handle) => backend.createOutputTensor(handle))
}

type KernelFunc = ReturnType<typeof tf.getKernel>['kernelFunc']

/** What a kernel is called with: inputs by name, attributes, and the backend. */
export interface KernelCall {
  readonly inputs: Readonly<Record<string, Tensor>>
  readonly attrs: Readonly<Record<string, unknown>>
  readonly backend: NativeBackend
}

/** Registers a kernel of the native engine, in place of the one that has the name now, if any. */
export function registerNative(
  kernelName: string,
  kernel: (call: KernelCall) => Tensor | Tensor[],
): void {
  if (tf.getKernel(kernelName, 'tensorflow')) tf.unregisterKernel(kernelName, 'tensorflow')
  const kernelFunc = kernel as unknown as KernelFunc
  tf.registerKernel({ kernelName, backendName: 'tensorflow', kernelFunc })
}

/** The kernel that has the name now, for the one that replaces it to fall back on. */
export function registeredNative(kernelName: string): (call: KernelCall) => Tensor {
  const { kernelFunc } = tf.getKernel(kernelName, 'tensorflow')
  return kernelFunc as unknown as (call: KernelCall) => Tensor
}

/** Runs a registered kernel, so that the tape and the tensor count see it. */
export function runKernel(
  name: string,
  inputs: Readonly<Record<string, Tensor>>,
  attributes: Readonly<Record<string, unknown>> = {},
): Tensor[] {
  type Inputs = Parameters<ReturnType<typeof tf.engine>['runKernel']>
  const result = tf.engine().runKernel(name, inputs as Inputs[1], attributes as Inputs[2])
  return Array.isArray(result) ? result : [result as Tensor]
}
