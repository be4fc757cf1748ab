import { createRequire } from 'node:module'
import { tf } from './tf.ts'

/** A tensor engine that can be asked for. */
export type EngineName = 'tensorflow' | 'wasm'

/** The engine that runs, once chosen. */
export interface Engine {
  readonly name: EngineName
  /** What it computes on, for people: `CPU`, `CUDA`, `WebAssembly SIMD`. */
  readonly device: string
  /** Whether `scratch` and `finetune` can run. */
  readonly hasConvolutionGradients: boolean
}

/** Chooses the tensor engine of this thread. (First version; the engine work replaces the body.) */
export async function selectEngine(choice: EngineName | 'auto' = 'auto'): Promise<Engine> {
  process.env['TF_CPP_MIN_LOG_LEVEL'] ??= '2'
  const require = createRequire(import.meta.url)
  if (choice !== 'wasm') {
    const util = require('node:util') as Record<string, unknown>
    util['isNullOrUndefined'] ??= (value: unknown) => value === null || value === undefined
    util['isArray'] ??= Array.isArray
    require('@tensorflow/tfjs-node')
    await tf.setBackend('tensorflow')
    return { name: 'tensorflow', device: 'CPU', hasConvolutionGradients: true }
  }
  require('@tensorflow/tfjs-backend-wasm')
  await tf.setBackend('wasm')
  return { name: 'wasm', device: 'WebAssembly', hasConvolutionGradients: false }
}
