import { spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { chmod, copyFile, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { EngineError } from '../errors.ts'
import { quietSource, unpackSource } from './native-sources.ts'
import { type EngineWheels, engineWheels, pipArguments, requirements } from './wheels.ts'

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

/** Programs that build the engine. */
export interface InstallTools {
  /** Pythons to try, in order. */
  readonly pythons: readonly string[]
  readonly compiler: string
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

const addonName = 'tfjs_binding.node'
const quietName = 'quiet.node'
const libraries = ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'] as const
const defaultTools: InstallTools = { pythons: ['python3', 'python'], compiler: 'g++' }
/** What TensorFlow asks for by name; these find the rest themselves. */
const nvidiaLibrary =
  /^lib(cublas|cublasLt|cudart|cudnn|cufft|cupti|curand|cusolver|cusparse|nccl|nvJitLink|nvrtc)\.so\.\d+$/
/** Age from which the draft of another install is one that was killed. */
const dayMs = 86_400_000

/** Folder of what is fetched and built once a machine: engines and backbones. */
export function engineCache(): string {
  const own = process.env['CONTRASTREAM_CACHE']
  if (own !== undefined && own !== '') return own
  return join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'contrastream')
}

const require = createRequire(import.meta.url)
const packageFolder = (name: string): string => dirname(require.resolve(`${name}/package.json`))

/** Folder where `tfjs-node` looks for its add-on. */
const addonFolder = (): string =>
  join(packageFolder('@tensorflow/tfjs-node'), 'lib', `napi-v${napiVersion}`)
const napiVersion = 8

/** Add-on that keeps libtensorflow quiet, beside the one that `tfjs-node` loads. */
export function quietPath(): string {
  return join(addonFolder(), quietName)
}

/** An install that cannot go on: one line that names what to do. */
function fail(reason: string, expected: string, got: string, retryable = false): EngineError {
  const message = `engine install: expected ${expected}, got ${got}`
  return new EngineError(message, { reason, retryable })
}

interface Ran {
  /** Absent: the program does not start. */
  readonly code: number | undefined
  /** The last line of what it said, the last 4,000 characters of it. */
  readonly lastLine: string
  readonly text: string
}

function run(program: string, args: readonly string[]): Promise<Ran> {
  return new Promise((resolve) => {
    let text = ''
    const end = (code: number | undefined) =>
      resolve({ code, text, lastLine: text.trim().split('\n').at(-1) ?? '' })
    const child = spawn(program, [...args], { stdio: ['ignore', 'pipe', 'pipe'] })
    const take = (chunk: Buffer) => {
      text = `${text}${chunk.toString()}`.slice(-4_000)
    }
    child.stdout.on('data', take)
    child.stderr.on('data', take)
    child.once('error', (error) => {
      text = error.message
      end(undefined)
    })
    child.once('close', (code) => end(code ?? undefined))
  })
}

async function findPython(pythons: readonly string[]): Promise<string> {
  let hasPython = false
  for (const python of pythons) {
    if ((await run(python, ['-m', 'pip', '--version'])).code === 0) return python
    hasPython ||= (await run(python, ['--version'])).code === 0
  }
  const names = pythons.join(' or ')
  if (hasPython) throw fail('no-pip', `pip for ${names}`, 'none; install python3-pip')
  throw fail('no-python', `Python (${names}) with pip`, 'none; install python3 and python3-pip')
}

async function expectCompiler(compiler: string): Promise<void> {
  if ((await run(compiler, ['--version'])).code === 0) return
  throw fail('no-compiler', `a C++ compiler (${compiler})`, 'none; install g++')
}

/** Has pip fetch the wheels and check their digests, then unpacks what the engine needs. */
async function fetchLibraries(python: string, wheels: EngineWheels, draft: string): Promise<void> {
  const folder = join(draft, 'wheels')
  const list = join(draft, 'requirements.txt')
  await writeFile(list, requirements(wheels))
  const args = ['-m', 'pip', ...pipArguments(wheels), '--dest', folder, '--requirement', list]
  const { code, text, lastLine } = await run(python, args)
  if (code !== 0) {
    const { requirement } = wheels.tensorflow
    if (/DO NOT MATCH THE HASHES/.test(text)) {
      throw fail('digest', `${requirement} with its known sha256`, 'other bytes; try another index')
    }
    const remedy = 'reach a Python package index (PIP_INDEX_URL)'
    throw fail('no-network', `pip to fetch ${requirement}`, `"${lastLine}"; ${remedy}`, true)
  }
  const unpacked = await run(python, ['-c', unpackSource, folder, draft])
  if (unpacked.code !== 0) {
    throw fail('no-space', 'to unpack libtensorflow', `"${unpacked.lastLine}"; free 2 GB`, true)
  }
  await Promise.all([rm(folder, { recursive: true }), rm(list)])
}

/** Compiles the add-on from the sources inside `tfjs-node`, and the quiet one. */
async function compile(compiler: string, draft: string, final: string): Promise<void> {
  const tfjs = packageFolder('@tensorflow/tfjs-node')
  const binding = join(tfjs, 'binding')
  const quiet = join(draft, 'quiet.cc')
  await writeFile(quiet, quietSource)
  const sources = readdirSync(binding).filter((name) => name.endsWith('.cc'))
  // Named to the linker, so that they are there before TensorFlow asks for them by name.
  const nvidia = readdirSync(join(draft, 'tensorflow'))
    .filter((name) => nvidiaLibrary.test(name))
    .map((name) => join(draft, 'tensorflow', name))
  const engine = [
    ...sources.map((name) => join(binding, name)),
    ...libraries.map((name) => join(draft, 'tensorflow', name)),
    ...(nvidia.length > 0 ? ['-Wl,--no-as-needed', '-Wl,--allow-shlib-undefined', ...nvidia] : []),
  ]
  for (const [name, inputs] of [
    [addonName, engine],
    [quietName, [quiet]],
  ] as const) {
    const { code, lastLine } = await run(compiler, [
      ...['-O2', '-shared', '-fPIC', '-std=c++17', `-DNAPI_VERSION=${napiVersion}`],
      ...['-I', join(packageFolder('node-api-headers'), 'include'), '-I', tfjs],
      ...['-I', join(draft, 'tensorflow', 'include'), ...inputs],
      ...['-o', join(draft, name), `-Wl,-rpath,${join(final, 'tensorflow')}`],
    ])
    if (code === 0) continue
    throw fail('no-compiler', `${compiler} to compile ${name}`, `"${lastLine}"; install g++ 9`)
  }
  await Promise.all([rm(quiet), rm(join(draft, 'tensorflow', 'include'), { recursive: true })])
}

/** What `install.json` says of a finished folder. */
interface Receipt {
  /** Where it was built: the add-on looks for its libraries there. */
  readonly folder: string
  readonly wheels: EngineWheels
  /** Bytes of each file, so that damage is noticed without reading it all. */
  readonly sizes: Readonly<Record<string, number>>
}

async function writeReceipt(draft: string, folder: string, wheels: EngineWheels): Promise<void> {
  const inner = readdirSync(join(draft, 'tensorflow')).map((name) => join('tensorflow', name))
  const files = [addonName, quietName, ...inner]
  const sizes = Object.fromEntries(files.map((name) => [name, statSync(join(draft, name)).size]))
  const receipt: Receipt = { folder, wheels, sizes }
  await writeFile(join(draft, 'install.json'), `${JSON.stringify(receipt, undefined, 2)}\n`)
}

function isIntact(folder: string): boolean {
  try {
    const text = readFileSync(join(folder, 'install.json'), 'utf8')
    const { folder: built, sizes } = JSON.parse(text) as Receipt
    const isWhole = ([path, size]: [string, number]) => statSync(join(folder, path)).size === size
    return built === folder && Object.entries(sizes).every(isWhole)
  } catch {
    return false
  }
}

/** Puts a finished draft in place; of two installs at once the later one finds an intact folder. */
async function putInPlace(draft: string, final: string): Promise<void> {
  const former = `${draft}.former`
  await rename(final, former).catch(() => undefined) // nothing there
  await rename(draft, final).catch((error: unknown) => {
    if (!isIntact(final)) throw error
  })
  await rm(former, { recursive: true, force: true })
}

/** Drafts that a killed install left: a gigabyte each. */
async function removeOldDrafts(draft: string): Promise<void> {
  const now = statSync(draft).mtimeMs
  for (const name of readdirSync(dirname(draft))) {
    const path = join(dirname(draft), name)
    const isOld = name.includes('.draft-') && now - statSync(path).mtimeMs > dayMs
    if (isOld) await rm(path, { recursive: true, force: true })
  }
}

type BuildOptions = Required<Pick<InstallOptions, 'report' | 'tools'>>

async function build(wheels: EngineWheels, final: string, options: BuildOptions): Promise<void> {
  const { report, tools } = options
  const python = await findPython(tools.pythons)
  await expectCompiler(tools.compiler)
  await mkdir(dirname(final), { recursive: true })
  const draft = await mkdtemp(`${final}.draft-`)
  try {
    await removeOldDrafts(draft)
    await chmod(draft, 0o755) // whoever may read the cache may load it
    report(`fetching ${wheels.tensorflow.requirement} (${wheels.megabytes} MB)`)
    await fetchLibraries(python, wheels, draft)
    report('compiling the add-on')
    await compile(tools.compiler, draft, final)
    await writeReceipt(draft, final, wheels)
    await putInPlace(draft, final)
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
}

/** Whether the package holds the add-ons of this folder, byte for byte. */
function isCopied(folder: string): boolean {
  return [addonName, quietName].every((name) => {
    const path = join(addonFolder(), name)
    return existsSync(path) && readFileSync(path).equals(readFileSync(join(folder, name)))
  })
}

async function copyAddons(folder: string): Promise<void> {
  await mkdir(addonFolder(), { recursive: true })
  for (const name of [quietName, addonName]) {
    const path = join(addonFolder(), name)
    const draft = `${path}.${process.pid}`
    await copyFile(join(folder, name), draft)
    await rename(draft, path)
  }
}

/** Loads the add-on in another process: a library that this system lacks shows here. */
async function expectToLoad(addon: string): Promise<void> {
  const script = `require(${JSON.stringify(addon)})`
  const { code, text } = await run(process.execPath, ['--eval', script])
  if (code === 0) return
  const line = text.split('\n').find((one) => /^\w*Error/.test(one)) ?? `exit code ${code}`
  throw fail('not-loadable', 'an add-on that loads', `"${line}"; the wasm engine needs none`)
}

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
    throw fail('platform', wanted, `${platform} on ${arch}; the wasm engine runs here`)
  }
  const { version } = require('@tensorflow/tfjs-node/package.json') as { version: string }
  const folderOf = ({ tensorflow }: EngineWheels): string =>
    join(engineCache(), 'engine', `${tensorflow.sha256.slice(0, 12)}-${version}`)
  const folder = folderOf(wheels)
  const addon = join(addonFolder(), addonName)
  if (ifMissing) {
    const other = engineWheels(platform, arch, true)
    const present = [folder, ...(other ? [folderOf(other)] : [])]
    const found = present.find((one) => isIntact(one) && isCopied(one))
    if (found !== undefined) return { folder: found, addon, installed: false }
  }
  const isBuilt = ifMissing && isIntact(folder)
  if (!isBuilt) await build(wheels, folder, { report, tools: options.tools ?? defaultTools })
  await copyAddons(folder)
  await expectToLoad(addon)
  return { folder, addon, installed: true }
}
