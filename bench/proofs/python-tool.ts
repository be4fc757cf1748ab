import { spawnSync } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { engineCache } from '../../lib/engine/engine-cache.ts'

/** Tools of others, in the versions that the proofs were made with. */
const pins = { 'cfn-lint': 'cfn-lint==1.51.0', moto_server: 'moto[all,server]==5.2.1' } as const

/** Runs a program to its end. @throws Error with what it said, if it ends badly. */
function must(program: string, args: readonly string[]): void {
  const { status, stderr } = spawnSync(program, args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${status}: ${stderr}`)
}

/** Path of a Python tool, installed once into a cache outside of the checkout. */
export function pythonTool(name: keyof typeof pins): string {
  const folder = join(engineCache(), 'python', pins[name].replaceAll(/[^\w.]+/g, '-'))
  const done = join(folder, 'installed')
  if (!existsSync(done)) {
    must('python3', ['-m', 'venv', folder])
    must(join(folder, 'bin', 'pip'), ['install', '--quiet', pins[name]])
    writeFileSync(done, '')
  }
  return join(folder, 'bin', name)
}
