import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createReadStream, existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { copyFile, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { EngineError } from '../errors.ts'

/** How the native engine is installed. */
export interface InstallOptions {
  /** With CUDA: a larger wheel, and the NVIDIA libraries that it names. Default false. */
  readonly cuda?: boolean
  /** Do nothing when the engine is there already. Default false: build it again. */
  readonly ifMissing?: boolean
  /** Told what happens, a line a step. */
  readonly report?: (line: string) => void
  /** Programs to look for, for tests. */
  readonly tools?: { readonly pythons: readonly string[]; readonly compiler: string }
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

/** A wheel whose bytes are known. */
interface Wheel {
  readonly requirement: string
  readonly sha256: string | undefined
}

/** Current TensorFlow, from the Python package index; any Python can fetch and unpack it. */
const cpuWheel: Wheel = {
  requirement: 'tensorflow-cpu==2.21.0',
  sha256: '2b847d217b02ee7731ed91431daf3250daa0196c3c94614d23be27232e6e5b6c',
}
const cudaWheel: Wheel = { requirement: 'tensorflow==2.21.0', sha256: undefined }

const libraries = ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'] as const
const addonName = 'tfjs_binding.node'
const quietName = 'quiet.node'

/**
 * TensorFlow logs while it is loaded, whatever its settings: between `mute` and `unmute` nothing
 * reaches standard error.
 */
const quietSource = `#include <fcntl.h>
#include <unistd.h>
#include <node_api.h>
static int kept = -1;
static napi_value mute(napi_env, napi_callback_info) {
  int null = open("/dev/null", O_WRONLY);
  if (kept < 0 && null >= 0) { kept = dup(2); dup2(null, 2); }
  if (null >= 0) close(null);
  return nullptr;
}
static napi_value unmute(napi_env, napi_callback_info) {
  if (kept >= 0) { dup2(kept, 2); close(kept); kept = -1; }
  return nullptr;
}
NAPI_MODULE_INIT() {
  napi_value one, other;
  napi_create_function(env, "mute", NAPI_AUTO_LENGTH, mute, nullptr, &one);
  napi_create_function(env, "unmute", NAPI_AUTO_LENGTH, unmute, nullptr, &other);
  napi_set_named_property(env, exports, "mute", one);
  napi_set_named_property(env, exports, "unmute", other);
  return exports;
}
`
const defaultTools = { pythons: ['python3', 'python'], compiler: 'g++' } as const

/** Folder of what is fetched and built once a machine: engines and backbones. */
export function engineCache(): string {
  const own = process.env['CONTRASTREAM_CACHE']
  if (own !== undefined && own !== '') return own
  return join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'contrastream')
}

const require = createRequire(import.meta.url)
const packageFolder = (name: string): string => dirname(require.resolve(`${name}/package.json`))

/** Add-on that keeps libtensorflow quiet, beside the one that `tfjs-node` loads. */
export function quietPath(): string {
  return join(dirname(addonPath()), quietName)
}

/** Where `tfjs-node` looks for its add-on. */
function addonPath(): string {
  return join(packageFolder('@tensorflow/tfjs-node'), 'lib', 'napi-v8', addonName)
}

/** Whether the add-on that Node would load is there, with its libraries. */
export function isInstalled(): boolean {
  return existsSync(addonPath())
}

interface Ran {
  readonly code: number | undefined
  readonly text: string
}

function run(program: string, args: readonly string[]): Promise<Ran> {
  return new Promise((resolve) => {
    let text = ''
    let child: ChildProcess
    try {
      child = spawn(program, [...args], { stdio: ['ignore', 'pipe', 'pipe'] })
    } catch (error) {
      resolve({ code: undefined, text: String(error) })
      return
    }
    const take = (chunk: Buffer) => {
      text = `${text}${chunk.toString()}`.slice(-4_000)
    }
    child.stdout?.on('data', take)
    child.stderr?.on('data', take)
    child.once('error', (error) => resolve({ code: undefined, text: error.message }))
    child.once('close', (code) => resolve({ code: code ?? undefined, text }))
  })
}

const lastLine = (text: string): string => text.trim().split('\n').at(-1) ?? ''

async function findPython(pythons: readonly string[]): Promise<string> {
  for (const python of pythons) {
    if ((await run(python, ['-m', 'pip', '--version'])).code === 0) return python
  }
  throw new EngineError(
    `engine install: expected Python with pip (${pythons.join(' or ')}), found none; install python3 and pip`,
    { reason: 'no-python' },
  )
}

async function expectCompiler(compiler: string): Promise<void> {
  if ((await run(compiler, ['--version'])).code === 0) return
  throw new EngineError(
    `engine install: expected a C++ compiler (${compiler}), found none; install g++`,
    { reason: 'no-compiler' },
  )
}

function digestOfFile(path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const hash = createHash('sha256')
    createReadStream(path)
      .on('data', (chunk) => hash.update(chunk))
      .on('error', reject)
      .on('end', () => resolve(hash.digest('hex')))
  })
}

/** Fetches one wheel, whatever Python asks for it, and checks its digest. */
async function fetchWheel(python: string, wheel: Wheel, folder: string): Promise<string> {
  const platform = process.arch === 'arm64' ? 'manylinux_2_27_aarch64' : 'manylinux_2_27_x86_64'
  const args = ['-m', 'pip', 'download', '--no-deps', '--only-binary=:all:', '--quiet']
  const target = ['--python-version', '3.11', '--implementation', 'cp', '--platform', platform]
  const { code, text } = await run(python, [
    ...args,
    ...target,
    '--dest',
    folder,
    wheel.requirement,
  ])
  const file = code === 0 ? readdirSync(folder).find((name) => name.endsWith('.whl')) : undefined
  if (file === undefined) {
    throw new EngineError(
      `engine install: expected pip to fetch ${wheel.requirement}, got: ${lastLine(text)}`,
      { reason: 'no-network', retryable: true },
    )
  }
  const path = join(folder, file)
  const isPinned = wheel.sha256 !== undefined && process.arch === 'x64'
  if (isPinned && (await digestOfFile(path)) !== wheel.sha256) {
    throw new EngineError(
      `engine install: expected ${file} with sha256 ${wheel.sha256}, got others`,
    )
  }
  return path
}

/** Unpacks what is needed of a wheel: a zip file, which Python reads everywhere. */
const unpack = `
import sys, zipfile
source, target = sys.argv[1:3]
with zipfile.ZipFile(source) as wheel:
    wanted = [n for n in wheel.namelist() if n.startswith(tuple(sys.argv[3:]))]
    wheel.extractall(target, wanted)
`

async function unpackWheel(
  python: string,
  wheel: string,
  folder: string,
  prefixes: readonly string[],
): Promise<void> {
  const { code, text } = await run(python, ['-c', unpack, wheel, folder, ...prefixes])
  if (code === 0) return
  throw new EngineError(`engine install: expected to unpack ${wheel}, got: ${lastLine(text)}`)
}

/** Compiles the add-on from the sources inside `tfjs-node`, and the quiet one. */
async function compile(compiler: string, draft: string, final: string): Promise<void> {
  const tfjs = packageFolder('@tensorflow/tfjs-node')
  const binding = readdirSync(join(tfjs, 'binding')).filter((name) => name.endsWith('.cc'))
  const quiet = join(draft, 'quiet.cc')
  await writeFile(quiet, quietSource)
  const builds = [
    { out: addonName, sources: binding.map((name) => join(tfjs, 'binding', name)), libraries },
    { out: quietName, sources: [quiet], libraries: [] },
  ]
  for (const one of builds) {
    const { code, text } = await run(compiler, [
      ...['-O2', '-shared', '-fPIC', '-std=c++17', '-DNAPI_VERSION=8'],
      ...['-I', join(packageFolder('node-api-headers'), 'include'), '-I', tfjs],
      ...['-I', join(draft, 'tensorflow', 'include'), ...one.sources],
      ...['-o', join(draft, one.out)],
      ...one.libraries.map((name) => join(draft, 'tensorflow', name)),
      `-Wl,-rpath,${join(final, 'tensorflow')}`,
    ])
    if (code === 0) continue
    const message = `engine install: expected ${compiler} to compile, got: ${lastLine(text)}`
    throw new EngineError(message, { reason: 'no-compiler' })
  }
}

/** Sizes of a finished folder, so that a damaged one is noticed without reading it all. */
function isIntact(folder: string): boolean {
  try {
    const sizes = JSON.parse(readFileSync(join(folder, 'install.json'), 'utf8')) as {
      readonly [path: string]: number
    }
    return Object.entries(sizes).every(([path, size]) => statSync(join(folder, path)).size === size)
  } catch {
    return false
  }
}

async function build(options: Required<InstallOptions>, final: string): Promise<void> {
  const { cuda, report, tools } = options
  const python = await findPython(tools.pythons)
  await expectCompiler(tools.compiler)
  await mkdir(dirname(final), { recursive: true })
  const draft = await mkdtemp(`${final}.draft-`)
  try {
    const wheel = cuda ? cudaWheel : cpuWheel
    report(`fetching ${wheel.requirement} (${cuda ? '572' : '274'} MB)`)
    const path = await fetchWheel(python, wheel, draft)
    report('unpacking libtensorflow')
    const wanted = [...libraries.map((name) => `tensorflow/${name}`), 'tensorflow/include/']
    await unpackWheel(python, path, draft, wanted)
    await rm(path)
    report('compiling the add-on')
    await compile(tools.compiler, draft, final)
    await rm(join(draft, 'tensorflow', 'include'), { recursive: true })
    const files = [addonName, quietName, ...libraries.map((name) => join('tensorflow', name))]
    const sizes = files.map((name) => [name, statSync(join(draft, name)).size])
    await writeFile(join(draft, 'install.json'), JSON.stringify(Object.fromEntries(sizes)))
    await rm(final, { recursive: true, force: true })
    // Two installs at once: one rename wins, the other finds an intact folder.
    await rename(draft, final).catch((error: unknown) => {
      if (!isIntact(final)) throw error
    })
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
}

/**
 * Gives `tfjs-node` a current libtensorflow: fetches its wheel, compiles the add-on against it.
 *
 * The result is kept outside the project, keyed by wheel and package versions; a second project
 * only copies the add-on.
 *
 * @throws {@link EngineError} naming what is missing: Python, network or compiler.
 */
export async function installEngine(options: InstallOptions = {}): Promise<Installed> {
  const {
    cuda = false,
    ifMissing = false,
    report = () => undefined,
    tools = defaultTools,
  } = options
  const wheel = cuda ? cudaWheel : cpuWheel
  const { version } = require('@tensorflow/tfjs-node/package.json') as { version: string }
  const key = `${wheel.requirement.replace('==', '-')}-tfjs-${version}-napi-8`
  const folder = join(engineCache(), 'engine', key)
  const addon = addonPath()
  const isThere = isIntact(folder)
  if (ifMissing && isThere && existsSync(addon)) return { folder, addon, installed: false }
  if (!isThere || !ifMissing) await build({ cuda, ifMissing, report, tools }, folder)
  await mkdir(dirname(addon), { recursive: true })
  for (const name of [quietName, addonName]) {
    const path = join(dirname(addon), name)
    await copyFile(join(folder, name), `${path}.draft`)
    await rename(`${path}.draft`, path)
  }
  return { folder, addon, installed: true }
}
