import { existsSync, readFileSync } from 'node:fs'
import { copyFile, mkdir, rename } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { installError, run } from './native-tools.ts'

/** The add-on that `tfjs-node` loads. */
export const addonName = 'tfjs_binding.node'
/** The one that keeps libtensorflow quiet. */
export const quietName = 'quiet.node'
/** Version of Node's interface for add-ons that both are compiled for. */
export const napiVersion = 8

const require = createRequire(import.meta.url)

/** Folder of an installed package. */
export const packageFolder = (name: string): string =>
  dirname(require.resolve(`${name}/package.json`))

/** Folder where `tfjs-node` looks for its add-on. */
const addonFolder = (): string =>
  join(packageFolder('@tensorflow/tfjs-node'), 'lib', `napi-v${napiVersion}`)

/** The add-on in the place where `tfjs-node` looks for it. */
export const addonPath = (): string => join(addonFolder(), addonName)

/** Add-on that keeps libtensorflow quiet, beside the one that `tfjs-node` loads. */
export function quietPath(): string {
  return join(addonFolder(), quietName)
}

/** Whether the package holds the add-ons of this folder, byte for byte. */
export function isCopied(folder: string): boolean {
  return [addonName, quietName].every((name) => {
    const path = join(addonFolder(), name)
    return existsSync(path) && readFileSync(path).equals(readFileSync(join(folder, name)))
  })
}

/** Puts both add-ons where `tfjs-node` looks; a process that holds the old ones keeps them. */
export async function copyAddons(folder: string): Promise<void> {
  await mkdir(addonFolder(), { recursive: true })
  for (const name of [quietName, addonName]) {
    const path = join(addonFolder(), name)
    const draft = `${path}.${process.pid}`
    await copyFile(join(folder, name), draft)
    await rename(draft, path)
  }
}

/** Loads the add-on in another process: a library that this system lacks shows here. */
export async function expectToLoad(addon: string): Promise<void> {
  const script = `require(${JSON.stringify(addon)})`
  const { code, text } = await run(process.execPath, ['--eval', script])
  if (code === 0) return
  const line = text.split('\n').find((one) => /^\w*Error/.test(one)) ?? `exit code ${code}`
  throw installError(
    'not-loadable',
    'an add-on that loads',
    `"${line}"; the wasm engine needs none`,
  )
}
