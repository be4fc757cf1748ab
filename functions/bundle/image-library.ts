import { execFile } from 'node:child_process'
import { cp, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { arch, platform } from 'node:process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const modules = fileURLToPath(new URL('../../node_modules', import.meta.url))

/** A processor that Lambda has. */
export type Architecture = 'x64' | 'arm64'

interface PackageJson {
  readonly version: string
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

const readPackage = async (name: string): Promise<PackageJson | undefined> => {
  const text = await readFile(join(modules, name, 'package.json'), 'utf8').catch(() => undefined)
  return text === undefined ? undefined : JSON.parse(text)
}

/** A package and what it depends on, as far as it is installed here. */
async function closure(name: string, found: Set<string>): Promise<Set<string>> {
  const read = found.has(name) ? undefined : await readPackage(name)
  if (read === undefined) return found
  found.add(name)
  const needed = Object.keys({ ...read.dependencies, ...read.optionalDependencies })
  for (const one of needed) await closure(one, found)
  return found
}

/**
 * Adds `sharp`, whose binaries cannot be part of a bundle: those of this machine, if it is like
 * Lambda's, else npm fetches the others.
 */
export async function addImageLibrary(folder: string, architecture: Architecture): Promise<void> {
  if (platform === 'linux' && arch === architecture) {
    for (const name of await closure('sharp', new Set())) {
      const to = join(folder, 'node_modules', name)
      await cp(join(modules, name), to, { recursive: true, dereference: true })
    }
    return
  }
  const version = (await readPackage('sharp'))?.version ?? 'latest'
  const target = ['--os=linux', `--cpu=${architecture}`, '--libc=glibc']
  const plain = ['--no-save', '--no-package-lock', '--ignore-scripts', '--no-audit', '--no-fund']
  await promisify(execFile)('npm', ['install', ...target, ...plain, `sharp@${version}`], {
    cwd: folder,
  })
}
