import { execFile, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, writeFileSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { engineCache } from '../../lib/engine/engine-cache.ts'

/** A moto server that runs: S3 as far as conditions, tags, pages and multipart uploads go. */
export interface Moto {
  /** `http://127.0.0.1:<free port>`. */
  readonly url: string
  /** Lets its clock run ahead of ours by so many ms in all. */
  runAhead(ms: number): void
  /** Forgets every bucket. */
  reset(): Promise<void>
  stop(): Promise<void>
}

const run = promisify(execFile)
const script = fileURLToPath(new URL('./server.py', import.meta.url))
const requirements = fileURLToPath(new URL('./requirements.txt', import.meta.url))

/**
 * Starts moto, which pip fetches once a machine into the cache.
 *
 * @throws with what to install if Python, pip or a package index is missing.
 */
export async function startMoto(): Promise<Moto> {
  const { python, packages } = await motoPackages()
  const folder = await mkdtemp(join(tmpdir(), 'contrastream-moto-'))
  const ahead = join(folder, 'ahead')
  const runAhead = (ms: number) => writeFileSync(ahead, `${ms}`)
  runAhead(0)
  const child = spawn(python, [script, ahead], {
    env: { ...process.env, PYTHONPATH: packages, PYTHONDONTWRITEBYTECODE: '1' },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const gone = new Promise((resolve) => child.once('close', resolve))
  const port = await new Promise<number>((resolve, reject) => {
    child.stdout.once('data', (line) => resolve(Number(line)))
    void gone.then((code) => reject(new Error(`moto: expected a server, it ended with ${code}`)))
  })
  const url = `http://127.0.0.1:${port}`
  return {
    url,
    runAhead,
    reset: async () => {
      await fetch(`${url}/moto-api/reset`, { method: 'POST' })
    },
    stop: async () => {
      child.stdin.end()
      await gone
      await rm(folder, { recursive: true })
    },
  }
}

/** The interpreter, and the folder of moto and what it needs, installed if it is not there. */
async function motoPackages(): Promise<{ readonly python: string; readonly packages: string }> {
  const { python, version } = await findPython()
  const wanted = createHash('sha256')
    .update(version)
    .update(await readFile(requirements))
  const packages = join(engineCache(), 'moto', wanted.digest('hex').slice(0, 12))
  if (existsSync(packages)) return { python, packages }
  await mkdir(dirname(packages), { recursive: true })
  const draft = await mkdtemp(`${packages}-`)
  try {
    const options = ['--quiet', '--no-deps', '--only-binary=:all:', '--target', draft]
    await run(python, ['-m', 'pip', 'install', ...options, '--requirement', requirements])
    // Two installs at once: the later one finds the folder in place.
    await rename(draft, packages).catch((error) => {
      if (!existsSync(packages)) throw error
    })
  } catch (cause) {
    const remedy = 'install python3-pip and reach a Python package index (PIP_INDEX_URL)'
    throw new Error(`moto: expected pip to install it, got: ${cause}; ${remedy}`, { cause })
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
  return { python, packages }
}

async function findPython(): Promise<{ readonly python: string; readonly version: string }> {
  for (const python of ['python3', 'python']) {
    const ran = await run(python, ['-m', 'pip', '--version']).catch(() => undefined)
    if (ran !== undefined) return { python, version: ran.stdout }
  }
  throw new Error('moto: expected Python 3.11 or newer with pip, got none; install python3-pip')
}
