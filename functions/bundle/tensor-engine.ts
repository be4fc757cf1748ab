import { cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { build } from 'esbuild'

const require = createRequire(import.meta.url)
const core = '@tensorflow/tfjs-core'
const wasm = '@tensorflow/tfjs-backend-wasm'

/**
 * Adds TensorFlow.js with its `wasm` engine: each package as one file, under its own name, because
 * `engine/tf` and `engine/select` load them by name. The packages as they are have 200 MB.
 */
export async function addTensorEngine(folder: string): Promise<void> {
  for (const name of [core, '@tensorflow/tfjs', wasm]) {
    const to = join(folder, 'node_modules', name)
    await mkdir(to, { recursive: true })
    await build({
      entryPoints: [require.resolve(name)],
      outfile: join(to, 'index.js'),
      bundle: true,
      minify: true,
      platform: 'node',
      target: 'node24',
      format: 'cjs',
      mainFields: ['main'],
      // One core for all of them: it holds the registry of kernels and the chosen engine.
      external: name === core ? [] : [core],
      logLevel: 'warning',
    })
    const { version } = JSON.parse(await readFile(require.resolve(`${name}/package.json`), 'utf8'))
    await writeFile(join(to, 'package.json'), JSON.stringify({ name, version, main: 'index.js' }))
  }
  const binaries = join(dirname(require.resolve(`${wasm}/package.json`)), 'wasm-out')
  await cp(binaries, join(folder, 'node_modules', wasm, 'wasm-out'), {
    recursive: true,
    filter: (path) => !/\.[^/]+$/.test(path) || path.endsWith('.wasm'),
  })
}
