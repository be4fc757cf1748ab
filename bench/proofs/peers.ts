import { execFile } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Line } from './program.ts'

const call = promisify(execFile)
const bench = fileURLToPath(new URL('..', import.meta.url))
const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'contrastream/peers')

/** A Python with the peers of one requirements file, made once. */
async function python(peer: 'torch' | 'faiss' | 'metric'): Promise<string> {
  const venv = join(cache, peer)
  const program = join(venv, 'bin/python')
  if (existsSync(join(venv, 'complete'))) return program
  mkdirSync(cache, { recursive: true })
  console.log(`installing ${peer} into ${venv}`)
  await call('python3', ['-m', 'venv', '--clear', venv])
  const requirements = join(bench, `peers/requirements-${peer}.txt`)
  await call(program, ['-m', 'pip', 'install', '-q', '-r', requirements], { maxBuffer: 1 << 24 })
  mkdirSync(join(venv, 'complete'))
  return program
}

/** Lines of JSON that a measuring program prints, each shown as it is. */
async function measure(program: string, args: readonly string[]): Promise<readonly Line[]> {
  const { stdout } = await call(program, args, { maxBuffer: 1 << 24 })
  console.log(stdout.trim())
  return stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Line)
}

/** What our measuring program of that name prints. */
export const ours = (name: string, ...args: readonly string[]) =>
  measure(process.execPath, [join(bench, `speed/${name}.ts`), ...args])
/** What the peer's prints. */
export const peer = async (kind: 'torch' | 'faiss' | 'metric', name: string, ...args: string[]) =>
  measure(await python(kind), [join(bench, `peers/${name}.py`), ...args])

/** Our figure over the peer's: both ran while the other waited. */
export const ratio = (our: unknown, their: unknown): number => Number(our) / Number(their)
