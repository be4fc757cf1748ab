import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const main = fileURLToPath(new URL('../../lib/cli/main.ts', import.meta.url))

/** One JSON line of the program. */
export type Line = Readonly<Record<string, unknown>>

/** Runs the program as its user would, with `--json`; answers its lines. */
export function program(args: readonly string[]): Promise<readonly Line[]> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [main, ...args, '--json'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let text = ''
    child.stdout.on('data', (chunk) => {
      text += chunk
    })
    child.once('close', (code) => {
      if (code !== 0) return reject(new Error(`contrastream ${args[0]} ended with ${code}`))
      const lines = text.split('\n').filter((line) => line !== '')
      return resolve(lines.map((line) => JSON.parse(line) as Line))
    })
  })
}
