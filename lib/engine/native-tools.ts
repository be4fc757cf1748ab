import { spawn } from 'node:child_process'
import { EngineError } from '../errors.ts'

/** Programs that build the engine. */
export interface InstallTools {
  /** Pythons to try, in order. */
  readonly pythons: readonly string[]
  readonly compiler: string
}

/** An install that cannot go on: one line that names what to do. */
export function installError(
  reason: string,
  expected: string,
  got: string,
  retryable = false,
): EngineError {
  const message = `engine install: expected ${expected}, got ${got}`
  return new EngineError(message, { reason, retryable })
}

/** How a program ended. */
export interface Ran {
  /** Absent: the program does not start. */
  readonly code: number | undefined
  /** The last line of what it said, the last 4,000 characters of it. */
  readonly lastLine: string
  readonly text: string
}

/** Runs a program to its end; it reads nothing. */
export function run(program: string, args: readonly string[]): Promise<Ran> {
  return new Promise((resolve) => {
    let text = ''
    const end = (code: number | undefined) =>
      resolve({ code, text, lastLine: text.trim().split('\n').at(-1) ?? '' })
    const child = spawn(program, [...args], { stdio: ['ignore', 'pipe', 'pipe'] })
    const take = (chunk: Buffer) => {
      text = `${text}${chunk.toString()}`.slice(-4_000)
    }
    child.stdout.on('data', take)
    child.stderr.on('data', take)
    child.once('error', (error) => {
      text = error.message
      end(undefined)
    })
    child.once('close', (code) => end(code ?? undefined))
  })
}

/** The first Python that has pip. */
export async function findPython(pythons: readonly string[]): Promise<string> {
  let hasPython = false
  for (const python of pythons) {
    if ((await run(python, ['-m', 'pip', '--version'])).code === 0) return python
    hasPython ||= (await run(python, ['--version'])).code === 0
  }
  const names = pythons.join(' or ')
  if (hasPython) throw installError('no-pip', `pip for ${names}`, 'none; install python3-pip')
  throw installError(
    'no-python',
    `Python (${names}) with pip`,
    'none; install python3 and python3-pip',
  )
}

/** @throws {@link EngineError} `no-compiler` unless it starts. */
export async function expectCompiler(compiler: string): Promise<void> {
  if ((await run(compiler, ['--version'])).code === 0) return
  throw installError('no-compiler', `a C++ compiler (${compiler})`, 'none; install g++')
}
