import { cp, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const modules = fileURLToPath(new URL('../../node_modules', import.meta.url))

/** What a `package.json` says of what is needed. */
interface PackageJson {
  readonly version: string
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

/** Reads the `package.json` of an installed package; absent if it is not installed. */
export async function installedPackage(name: string): Promise<PackageJson | undefined> {
  const path = join(modules, name, 'package.json')
  const text = await readFile(path, 'utf8').catch(() => undefined)
  return text === undefined ? undefined : JSON.parse(text)
}

/** A package and what it depends on, as far as it is installed here. */
async function closure(name: string, found: Set<string> = new Set()): Promise<Set<string>> {
  const installed = found.has(name) ? undefined : await installedPackage(name)
  if (installed === undefined) return found
  found.add(name)
  const needed = { ...installed.dependencies, ...installed.optionalDependencies }
  for (const one of Object.keys(needed)) await closure(one, found)
  return found
}

/** Copies an installed package, and those that it needs, into `<folder>/node_modules`. */
export async function copyPackage(name: string, folder: string): Promise<void> {
  for (const one of await closure(name)) {
    const to = join(folder, 'node_modules', one)
    await cp(join(modules, one), to, { recursive: true, dereference: true })
  }
}
