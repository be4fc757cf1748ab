import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { copyPackage } from './copy-package.ts'
import { type Architecture, addImageLibrary } from './image-library.ts'
import { addTensorEngine } from './tensor-engine.ts'

const checkout = fileURLToPath(new URL('../..', import.meta.url))

/** What modules of the old kind expect, and a bundle of the new kind does not have. */
const banner = `
import { createRequire as __createRequire } from 'node:module'
import { fileURLToPath as __fileURLToPath } from 'node:url'
import { dirname as __pathDirname } from 'node:path'
const require = __createRequire(import.meta.url)
const __filename = __fileURLToPath(import.meta.url)
const __dirname = __pathDirname(__filename)
`

/**
 * Writes a function and everything it needs into a folder.
 *
 * @param name - File in `functions/`, without its ending.
 * @param folder - Made if it is not there.
 */
export async function bundleFunction(
  name: string,
  folder: string,
  architecture: Architecture,
): Promise<void> {
  const { metafile } = await build({
    entryPoints: [join(checkout, 'functions', `${name}.ts`)],
    // As deep as a module of ours lies, so that the program finds its version where it looks.
    outfile: join(folder, 'functions', 'main', 'index.mjs'),
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    mainFields: ['module', 'main'],
    external: ['sharp', 'kafkajs', '@tensorflow/*'],
    banner: { js: banner },
    metafile: true,
    logLevel: 'warning',
  })
  const { version } = JSON.parse(await readFile(join(checkout, 'package.json'), 'utf8'))
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'package.json'), JSON.stringify({ version }))
  const inputs = Object.keys(metafile.inputs)
  if (inputs.includes('lib/image/decode.ts')) await addImageLibrary(folder, architecture)
  // As it is: we mend some of its insides by their paths.
  if (inputs.includes('lib/stream/kafka-client.ts')) await copyPackage('kafkajs', folder)
  if (inputs.includes('lib/engine/tf.ts')) await addTensorEngine(folder)
}
