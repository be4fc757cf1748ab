import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { encodePng } from '../../lib/image/encode.ts'
import { glyphPicture, glyphSize } from '../../lib/service/demo-glyphs.ts'
import { writeLoudBackbone } from '../../test/integration/loud-backbone.ts'
import { writeGlyphs } from '../../test/integration/small-run.ts'

const main = fileURLToPath(new URL('../../lib/cli/main.ts', import.meta.url))
const kinds = 10
const each = 24
const lookMs = 20

/** One JSON line of the service. */
export type Event = Readonly<Record<string, unknown>>

/** A service of processes, seen from outside: over HTTP, and by what it says. */
export interface LiveService {
  /** Its data folder. */
  readonly data: string
  /** Pictures that lay in its folder. */
  readonly pictures: number
  /** The two versions that it has published, both with a complete index. */
  readonly versions: readonly [first: string, second: string]
  /** Of the supervisor that runs now. */
  readonly pid: number
  /** Everything said since the last start. */
  readonly events: readonly Event[]
  /** Where it answers now. */
  address(port: 'data' | 'admin'): string
  /** @returns The answer, whatever its status; status 0 where nobody answers. */
  post(path: string, body: Uint8Array | object): Promise<Answer>
  /** What `/v1/release` answers; nothing while nobody does, or nothing is loaded. */
  release(): Promise<Event>
  /** Ends it as an operator would, and starts it again on the same folder. */
  restart(): Promise<void>
  /** Ends it. @returns Its exit code. */
  stop(): Promise<number | null>
  /** Removes its folder. */
  remove(): void
}

/** An answer and the time it took. */
export interface Answer {
  readonly status: number
  readonly body: Event
  readonly ms: number
  /** When it came, ms on the monotonic clock. */
  readonly at: number
}

/** A generated picture that the service has not seen. */
export const newPicture = (number: number): Promise<Uint8Array> =>
  encodePng(glyphPicture(7, number % kinds, 10_000 + number), glyphSize, glyphSize)

/** Waits until something holds. */
export async function until(holds: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await holds())) await delay(lookMs)
}

/** The program while it runs. */
interface Program {
  readonly child: ChildProcess
  readonly events: Event[]
  readonly ended: Promise<number | null>
}

function startProgram(args: readonly string[]): Program {
  const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  const events: Event[] = []
  createInterface(child.stdout).on('line', (line) => events.push(JSON.parse(line)))
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  return { child, events, ended }
}

/** Where the last start of `serve` listens. */
const listening = ({ events }: Program): Event | undefined =>
  events.findLast(({ event }) => event === 'listening')

async function untilListening(program: Program): Promise<void> {
  await until(() => {
    if (program.child.exitCode !== null) throw new Error('expected the service to run on, it ended')
    return listening(program) !== undefined
  })
}

/**
 * Starts a service on generated pictures, and has it learn a second version.
 *
 * @param more - Further settings, as `key=value`.
 */
export async function liveService(more: readonly string[] = []): Promise<LiveService> {
  const folder = mkdtempSync(join(tmpdir(), 'contrastream-live-'))
  const data = join(folder, 'data')
  await writeGlyphs(join(folder, 'pictures'), kinds, each)
  await writeLoudBackbone(join(folder, 'backbone'))
  const settings = [
    ...[`model.backbone=${join(folder, 'backbone')}`, 'model.recipe=head', 'image.channels=grey'],
    ...['learn.steps=30', 'learn.k=10', 'learn.start.fresh=1000000'],
    ...['http.port=0', 'http.adminPort=0', 'logging.level=warn', ...more],
  ]
  const pairs = settings.flatMap((pair) => ['--set', pair])
  const args = ['run', join(folder, 'pictures'), '--data', data, '--json', ...pairs]
  let program = startProgram(args)
  await untilListening(program)

  const address = (port: 'data' | 'admin') => String(listening(program)?.[port])
  const post: LiveService['post'] = async (path, body) => {
    const isPicture = body instanceof Uint8Array
    const began = performance.now()
    const told = (status: number, answer: Event): Answer => {
      const at = performance.now()
      return { status, body: answer, ms: at - began, at }
    }
    try {
      const response = await fetch(`${address(isPicture ? 'data' : 'admin')}${path}`, {
        method: 'POST',
        headers: {
          'content-type': isPicture ? 'image/png' : 'application/json',
          'x-contrastream': '1',
        },
        body: isPicture ? (body as Uint8Array<ArrayBuffer>) : JSON.stringify(body),
      })
      return told(response.status, (await response.json()) as Event)
    } catch (error) {
      return told(0, { detail: String(error) })
    }
  }
  const release = async (): Promise<Event> => {
    const nobody = (): Event => ({})
    const response = await fetch(`${address('data')}/v1/release`).catch(nobody)
    return response instanceof Response && response.ok ? ((await response.json()) as Event) : {}
  }
  const stop = async (): Promise<number | null> => {
    program.child.kill('SIGTERM')
    return program.ended
  }

  await until(async () => (await release())['vectors'] === kinds * each)
  const first = String((await release())['model'])
  await post('/v1/rounds', {})
  const isSecond = async () => ![undefined, first].includes((await release())['model'] as string)
  await until(isSecond)
  return {
    data,
    pictures: kinds * each,
    versions: [first, String((await release())['model'])],
    get pid() {
      return program.child.pid as number
    },
    get events() {
      return program.events
    },
    address,
    post,
    release,
    restart: async () => {
      await stop()
      program = startProgram(args)
      await untilListening(program)
    },
    stop,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}
