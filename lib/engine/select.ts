import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { EngineError } from '../errors.ts'
import { registerNativeGradients } from './gradients.ts'
import { quietPath } from './native-addon.ts'
import { respellStockLayers } from './stock-layers.ts'
import { tf } from './tf.ts'

/** A tensor engine that can be asked for. */
export type EngineName = 'tensorflow' | 'wasm'

/** Whether an engine loads here, and why not. */
export interface Considered {
  readonly name: EngineName
  readonly ok: boolean
  /** Device, or the reason, for people. */
  readonly detail: string
}

/** The engine that runs, once chosen. */
export interface Engine {
  readonly name: EngineName
  /** What it computes on: `CPU`, `CUDA`, `WebAssembly`. */
  readonly device: string
  /** Whether `scratch` and `finetune` can run. */
  readonly hasConvolutionGradients: boolean
  /** The engines that were tried, in order. */
  readonly considered: readonly Considered[]
}

type Choice = Omit<Engine, 'considered'>

const require = createRequire(import.meta.url)

/** What libtensorflow reads when it is loaded; set where the process starts, it stays. */
const quietly: Readonly<Record<string, string>> = {
  TF_CPP_MIN_LOG_LEVEL: '3',
  TF_CPP_MAX_VLOG_LEVEL: '-1',
  // Single precision must be that: TF32 errs by .65 % in the exponentials of the loss.
  NVIDIA_TF32_OVERRIDE: '0',
}

/** tfjs-node asks for functions that newer Node has removed or warns about. */
function restoreRemovedFunctions(): void {
  const util = require('node:util') as Record<string, unknown>
  util['isNullOrUndefined'] = (value: unknown) => value === null || value === undefined
  util['isArray'] = Array.isArray
}

/** The add-on that silences what TensorFlow says while it is loaded; absent: it speaks. */
type Log = { mute(): void; unmute(): void } | undefined

/** Undoes what only the native engine understands; absent: nothing to undo. */
let unteach: (() => void) | undefined

/** Makes a loaded backend the one that runs; TensorFlow.js answers `false` where it cannot. */
async function use(name: EngineName): Promise<void> {
  if (!(await tf.setBackend(name))) throw new Error('its backend does not start')
  await tf.ready()
}

/** Has TensorFlow.js train on the kernels of the native engine. */
function teachKernels(): () => void {
  const undos = [registerNativeGradients(), respellStockLayers()]
  return () => {
    for (const undo of undos) undo()
  }
}

async function loadTensorflow(): Promise<Choice> {
  for (const [name, value] of Object.entries(quietly)) process.env[name] ??= value
  restoreRemovedFunctions()
  const log: Log = existsSync(quietPath()) ? require(quietPath()) : undefined
  log?.mute()
  try {
    require('@tensorflow/tfjs-node')
    await use('tensorflow')
    tf.tidy(() => tf.add(tf.scalar(1), 1)) // its first operation has something to say as well
  } finally {
    log?.unmute()
  }
  unteach ??= teachKernels()
  const backend = tf.backend() as unknown as { readonly isUsingGpuDevice: boolean }
  const device = backend.isUsingGpuDevice ? 'CUDA' : 'CPU'
  return { name: 'tensorflow', device, hasConvolutionGradients: true }
}

async function loadWasm(): Promise<Choice> {
  tf.env().set('IS_NODE', true)
  const wasm = require('@tensorflow/tfjs-backend-wasm') as {
    setWasmPaths(folder: string): void
  }
  const folder = dirname(require.resolve('@tensorflow/tfjs-backend-wasm/package.json'))
  wasm.setWasmPaths(`${join(folder, 'wasm-out')}/`)
  await use('wasm')
  unteach?.()
  unteach = undefined
  return { name: 'wasm', device: 'WebAssembly', hasConvolutionGradients: false }
}

const loaders: Readonly<Record<EngineName, () => Promise<Choice>>> = {
  tensorflow: loadTensorflow,
  wasm: loadWasm,
}
const remedies: Readonly<Record<EngineName, string>> = {
  tensorflow: '`contrastream engine install` builds it',
  wasm: 'reinstall the package',
}
const firstLine = (error: unknown): string =>
  /^\s*(.*?)[.\s]*$/m.exec(error instanceof Error ? error.message : String(error))?.[1] ?? ''

/**
 * Chooses the tensor engine of this thread.
 *
 * @param choice - `auto` takes the first that loads: `tensorflow`, then `wasm`.
 * @throws {@link EngineError} if the engine that was asked for does not load.
 */
export async function selectEngine(choice: EngineName | 'auto' = 'auto'): Promise<Engine> {
  const names: readonly EngineName[] = choice === 'auto' ? ['tensorflow', 'wasm'] : [choice]
  const considered: Considered[] = []
  for (const name of names) {
    try {
      const engine = await loaders[name]()
      considered.push({ name, ok: true, detail: engine.device })
      return { ...engine, considered }
    } catch (error) {
      considered.push({ name, ok: false, detail: `${firstLine(error)}; ${remedies[name]}` })
    }
  }
  const faults = considered.map(({ name, detail }) => `${name}: ${detail}`).join(' · ')
  throw new EngineError(`engine: expected ${choice} to load, got ${faults}`)
}
