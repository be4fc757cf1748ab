import { readdirSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { addonName, napiVersion, packageFolder, quietName } from './native-addon.ts'
import { putInPlace, removeOldDrafts, writeReceipt } from './native-folder.ts'
import { quietSource, unpackSource } from './native-sources.ts'
import { expectCompiler, findPython, type InstallTools, installError, run } from './native-tools.ts'
import { type EngineWheels, pipArguments, requirements } from './wheels.ts'

const libraries = ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'] as const
/** What TensorFlow asks for by name; these find the rest themselves. */
const nvidiaLibrary =
  /^lib(cublas|cublasLt|cudart|cudnn|cufft|cupti|curand|cusolver|cusparse|nccl|nvJitLink|nvrtc)\.so\.\d+$/

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
      throw installError(
        'digest',
        `${requirement} with its known sha256`,
        'other bytes; try another index',
      )
    }
    const remedy = 'reach a Python package index (PIP_INDEX_URL)'
    throw installError(
      'no-network',
      `pip to fetch ${requirement}`,
      `"${lastLine}"; ${remedy}`,
      true,
    )
  }
  const unpacked = await run(python, ['-c', unpackSource, folder, draft])
  if (unpacked.code !== 0) {
    throw installError(
      'no-space',
      'to unpack libtensorflow',
      `"${unpacked.lastLine}"; free 2 GB`,
      true,
    )
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
    throw installError(
      'no-compiler',
      `${compiler} to compile ${name}`,
      `"${lastLine}"; install g++ 9`,
    )
  }
  await Promise.all([rm(quiet), rm(join(draft, 'tensorflow', 'include'), { recursive: true })])
}

/** Who builds, and who hears of it. */
interface BuildOptions {
  readonly report: (line: string) => void
  readonly tools: InstallTools
}

/** Fetches and compiles the engine aside, and puts it into its folder once it is whole. */
export async function buildEngine(
  wheels: EngineWheels,
  final: string,
  options: BuildOptions,
): Promise<void> {
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
