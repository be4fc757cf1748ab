import { readdirSync, readFileSync, statSync } from 'node:fs'
import { rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { addonName, quietName } from './native-addon.ts'
import type { EngineWheels } from './wheels.ts'

/** Age from which the draft of another install is one that was killed. */
const dayMs = 86_400_000

/** What `install.json` says of a finished folder. */
interface Receipt {
  /** Where it was built: the add-on looks for its libraries there. */
  readonly folder: string
  readonly wheels: EngineWheels
  /** Bytes of each file, so that damage is noticed without reading it all. */
  readonly sizes: Readonly<Record<string, number>>
}

/** Writes down what a draft holds, last of all. */
export async function writeReceipt(
  draft: string,
  folder: string,
  wheels: EngineWheels,
): Promise<void> {
  const inner = readdirSync(join(draft, 'tensorflow')).map((name) => join('tensorflow', name))
  const files = [addonName, quietName, ...inner]
  const sizes = Object.fromEntries(files.map((name) => [name, statSync(join(draft, name)).size]))
  const receipt: Receipt = { folder, wheels, sizes }
  await writeFile(join(draft, 'install.json'), `${JSON.stringify(receipt, undefined, 2)}\n`)
}

/** Whether a folder is whole and lies where it was built for. */
export function isIntact(folder: string): boolean {
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
export async function putInPlace(draft: string, final: string): Promise<void> {
  const former = `${draft}.former`
  await rename(final, former).catch(() => undefined) // nothing there
  await rename(draft, final).catch((error: unknown) => {
    if (!isIntact(final)) throw error
  })
  await rm(former, { recursive: true, force: true })
}

/** Drafts that a killed install left: a gigabyte each. */
export async function removeOldDrafts(draft: string): Promise<void> {
  const now = statSync(draft).mtimeMs
  for (const name of readdirSync(dirname(draft))) {
    const path = join(dirname(draft), name)
    const isOld = name.includes('.draft-') && now - statSync(path).mtimeMs > dayMs
    if (isOld) await rm(path, { recursive: true, force: true })
  }
}
