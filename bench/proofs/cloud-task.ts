import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Environment } from './deployed.ts'
import type { Line } from './program.ts'

const entryPoint = fileURLToPath(new URL('../../docker/entrypoint.ts', import.meta.url))

/** A program that runs as its container would. */
export interface CloudTask {
  /** The first event of this name, past or to come. */
  event(name: string): Promise<Line>
  /** Ends it as ECS does; answers its exit code. */
  stop(): Promise<number | null>
}

/** Starts a command by the entry point of the image, with nothing but these variables. */
export function cloudTask(words: readonly string[], environment: Environment): CloudTask {
  const child = spawn(process.execPath, [entryPoint, ...words, '--json'], {
    env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  const events: Line[] = []
  const waiting = new Set<() => void>()
  createInterface(child.stdout).on('line', (text) => {
    events.push(JSON.parse(text) as Line)
    for (const look of waiting) look()
  })
  return {
    event: (name) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const found = events.find(({ event }) => event === name)
          if (found === undefined) return
          waiting.delete(look)
          resolve(found)
        }
        waiting.add(look)
        look()
        void ended.then((code) =>
          reject(new Error(`${words.join(' ')}: expected ${name}, it ended with ${code}`)),
        )
      }),
    stop: () => {
      child.kill('SIGTERM')
      return ended
    },
  }
}
