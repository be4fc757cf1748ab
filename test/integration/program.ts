import { spawn } from 'node:child_process'
import { resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

const main = resolve('lib/cli/main.ts')

/** How the program ended, and what it said. */
export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** The lines of `--json`. */
  readonly lines: readonly Record<string, unknown>[]
  readonly errors: string
}

/** What a test may do to the program while it runs. */
export interface Running {
  readonly pid: number
  /** Resolves when it has ended. */
  readonly ended: Promise<Ended>
  /** The lines of `--json` so far. */
  lines(): readonly Record<string, unknown>[]
  /** Resolves once standard error or output holds the text; rejects if the program ends first. */
  said(text: string): Promise<void>
  /** Reads its standard output no more, as `head` does. */
  closeOutput(): void
  /** Sends a signal to the program alone. */
  signal(name: NodeJS.Signals): void
  /** Kills it with all its children. */
  kill(): void
}

/** A program before ours on the command line, which starts ours. */
export interface Launch {
  readonly prefix?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

/** Starts `contrastream`, in a process group of its own. */
export function start(args: readonly string[], { prefix = [], env = {} }: Launch = {}): Running {
  const [file, ...rest] = [...prefix, process.execPath, main, ...args, '--json']
  const child = spawn(file as string, rest, { detached: true, env: { ...process.env, ...env } })
  let out = ''
  let errors = ''
  child.stdout.on('data', (chunk) => {
    out += chunk
    child.emit('said')
  })
  child.stderr.on('data', (chunk) => {
    errors += chunk
    child.emit('said')
  })
  const lines = () =>
    out
      .split('\n')
      .filter((line) => line.startsWith('{') && line.endsWith('}'))
      .map((line) => JSON.parse(line))
  const ended = new Promise<Ended>((done) => {
    child.once('close', (code, signal) => done({ code, signal, lines: lines(), errors }))
  })
  return {
    pid: child.pid as number,
    ended,
    lines,
    said: (text) =>
      new Promise((heard, failed) => {
        const look = () => {
          if (!(out + errors).includes(text)) return
          child.off('said', look)
          heard()
        }
        child.on('said', look)
        look()
        void ended.then(() => failed(new Error(`the program ended before it said ${text}`)))
      }),
    closeOutput: () => void child.stdout.destroy(),
    signal: (name) => {
      child.kill(name)
    },
    kill: () => process.kill(-(child.pid as number), 'SIGKILL'),
  }
}

/** Runs `contrastream` to its end, or kills it and all its children after a while. */
export async function contrastream(
  args: readonly string[],
  options: Launch & { readonly killAfterMs?: number } = {},
): Promise<Ended> {
  const { kill, ended } = start(args, options)
  const isOver = new AbortController()
  if (options.killAfterMs !== undefined) {
    // Nothing to kill where the run ends first.
    delay(options.killAfterMs, undefined, { signal: isOver.signal }).then(kill, () => undefined)
  }
  const result = await ended
  isOver.abort()
  return result
}
