import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** Anything that goes between a test and its child process, told apart by `is`. */
export interface Message {
  readonly is: string
}

/** Another process on the same store. */
export interface Child {
  /** Everything it has said so far. */
  readonly said: readonly Message[]
  tell(message: Message): void
  /** The next message of a kind that has not been taken yet. */
  hear<M extends Message>(is: M['is']): Promise<M>
  /** Sends a signal; for SIGKILL resolves once the process is gone. */
  signal(signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): Promise<void>
  /** Resolves once the process is gone. */
  readonly gone: Promise<unknown>
}

/** How to start a child process. */
export interface ChildProgram {
  readonly script: URL
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** A module to load first. */
  readonly preload?: URL
}

/** Processes that a test kills at random: more before a release. */
export const kills: number = Number(process.env['CONTRACT_KILLS'] ?? 8)

/** Time that a test with so many kills may take. */
export const killsMs: number = 60_000 + kills * 1_000

const running = new Set<Child>()

/** Starts a TypeScript program that speaks with us through `process.send`. */
export function startChild(program: ChildProgram): Child {
  const execArgv = program.preload ? ['--import', program.preload.href] : []
  const child = fork(fileURLToPath(program.script), program.args, {
    execArgv,
    env: { ...process.env, ...program.env },
    serialization: 'advanced',
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const said: Message[] = []
  const taken = new Set<Message>()
  const listeners = new Set<() => void>()
  // What it said before it ended may arrive after its exit. No `events.once`: it would reject when a
  // message does not get through to a child that ends.
  const gone = Promise.all([
    new Promise((resolve) => child.once('exit', resolve)),
    new Promise((resolve) => child.once('disconnect', resolve)),
  ])
  child.on('message', (message: Message) => {
    said.push(message)
    for (const listener of [...listeners]) listener()
  })
  child.on('error', () => undefined) // a message to a child that is gone

  const self: Child = {
    said,
    gone,
    tell: (message) => {
      child.send(message)
    },
    hear: <M extends Message>(is: M['is']) =>
      new Promise<M>((resolve, reject) => {
        const look = () => {
          const found = said.find((message) => message.is === is && !taken.has(message))
          if (found === undefined) return
          taken.add(found)
          listeners.delete(look)
          resolve(found as M)
        }
        listeners.add(look)
        look()
        void gone.then(() => {
          const end = child.signalCode ?? child.exitCode
          reject(new Error(`the child ended (${end}) before it said ${is}`))
        })
      }),
    signal: async (signal) => {
      child.kill(signal)
      if (signal === 'SIGKILL') await gone
    },
  }
  running.add(self)
  void gone.then(() => running.delete(self))
  return self
}

/** Ends every child that still runs. */
export async function endChildren(): Promise<void> {
  await Promise.all([...running].map((child) => child.signal('SIGKILL')))
}

/** In a child: says something to the test. */
export function say<M extends Message>(message: M): void {
  process.send?.(message)
}

/** In a child: does what the test tells. */
export function obey<M extends Message>(orders: (message: M) => Promise<void>): void {
  process.on('message', (message: M) => {
    orders(message).catch((error) => {
      console.error(error)
      process.exit(1)
    })
  })
  process.on('disconnect', () => process.exit(0))
}
