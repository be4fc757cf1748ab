import { execFile } from 'node:child_process'
import { arch, platform } from 'node:process'
import { promisify } from 'node:util'
import { copyPackage, installedPackage } from './copy-package.ts'

/** A processor that Lambda has. */
export type Architecture = 'x64' | 'arm64'

/**
 * Adds `sharp`, whose binaries cannot be part of a bundle: those of this machine, if it is like
 * Lambda's, else npm fetches the others.
 */
export async function addImageLibrary(folder: string, architecture: Architecture): Promise<void> {
  if (platform === 'linux' && arch === architecture) {
    await copyPackage('sharp', folder)
    return
  }
  const version = (await installedPackage('sharp'))?.version ?? 'latest'
  const target = ['--os=linux', `--cpu=${architecture}`, '--libc=glibc']
  const plain = ['--no-save', '--no-package-lock', '--ignore-scripts', '--no-audit', '--no-fund']
  await promisify(execFile)('npm', ['install', ...target, ...plain, `sharp@${version}`], {
    cwd: folder,
  })
}
