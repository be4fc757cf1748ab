import { createRequire } from 'node:module'
import { join } from 'node:path'
import { engineCache } from './engine-cache.ts'
import { addonPath, copyAddons, expectToLoad, isCopied } from './native-addon.ts'
import { buildEngine } from './native-build.ts'
import { isIntact } from './native-folder.ts'
import { type InstallTools, installError } from './native-tools.ts'
import { type EngineWheels, engineWheels } from './wheels.ts'

/** How the native engine is installed. */
export interface InstallOptions {
  /** With CUDA: a larger wheel, and the NVIDIA libraries that it names. Default false. */
  readonly cuda?: boolean
  /** Do nothing when an engine is there, with CUDA or without. Default false: build it again. */
  readonly ifMissing?: boolean
  /** Told what happens, a line a step. */
  readonly report?: (line: string) => void
  /** Programs that are called. Default `python3` or `python`, and `g++`. */
  readonly tools?: InstallTools
}

/** Where the engine lies now. */
export interface Installed {
  /** Folder of the libraries. */
  readonly folder: string
  /** The add-on that Node loads. */
  readonly addon: string
  /** Whether anything was built or copied. */
  readonly installed: boolean
}

const require = createRequire(import.meta.url)
const defaultTools: InstallTools = { pythons: ['python3', 'python'], compiler: 'g++' }

/**
 * Gives `tfjs-node` a current libtensorflow: fetches its wheel, compiles the add-on against it.
 *
 * The result is kept outside the project, keyed by wheel and package versions; a second project
 * only copies the add-on. Several installs may run at once.
 *
 * @throws {@link EngineError} with one line that names what is missing and what to do; reasons
 *   `platform`, `no-python`, `no-pip`, `no-network`, `digest`, `no-space`, `no-compiler` and
 *   `not-loadable`.
 */
export async function installEngine(options: InstallOptions = {}): Promise<Installed> {
  const { cuda = false, ifMissing = false, report = () => undefined } = options
  const { platform, arch } = process
  const wheels = engineWheels(platform, arch, cuda)
  if (wheels === undefined) {
    const wanted = cuda ? 'Linux on x64' : 'Linux on x64 or arm64'
    throw installError('platform', wanted, `${platform} on ${arch}; the wasm engine runs here`)
  }
  const { version } = require('@tensorflow/tfjs-node/package.json') as { version: string }
  const folderOf = ({ tensorflow }: EngineWheels): string =>
    join(engineCache(), 'engine', `${tensorflow.sha256.slice(0, 12)}-${version}`)
  const folder = folderOf(wheels)
  const addon = addonPath()
  if (ifMissing) {
    const other = engineWheels(platform, arch, true)
    const present = [folder, ...(other ? [folderOf(other)] : [])]
    const found = present.find((one) => isIntact(one) && isCopied(one))
    if (found !== undefined) return { folder: found, addon, installed: false }
  }
  const isBuilt = ifMissing && isIntact(folder)
  if (!isBuilt) await buildEngine(wheels, folder, { report, tools: options.tools ?? defaultTools })
  await copyAddons(folder)
  await expectToLoad(addon)
  return { folder, addon, installed: true }
}
