import { spawn } from 'node:child_process'
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

/** A service of processes, seen from outside: over HTTP alone. */
export interface LiveService {
  /** The two versions that it has published, both with a complete index. */
  readonly versions: readonly [first: string, second: string]
  /** @returns The answer, whatever its status. */
  post(path: string, body: Uint8Array | object): Promise<Answer>
  /** What `/v1/release` names. */
  model(): Promise<string>
  stop(): Promise<void>
}

/** An answer and the time it took. */
export interface Answer {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
  readonly ms: number
  /** When it came, ms on the monotonic clock. */
  readonly at: number
}

/** A generated picture that the service has not seen. */
export const newPicture = (number: number): Promise<Uint8Array> =>
  encodePng(glyphPicture(7, number % kinds, 10_000 + number), glyphSize, glyphSize)

/** Waits until something holds. */
export async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await delay(lookMs)
}

/** Starts a service on generated pictures, and has it learn a second version. */
export async function liveService(): Promise<LiveService> {
  const folder = mkdtempSync(join(tmpdir(), 'contrastream-live-'))
  await writeGlyphs(join(folder, 'pictures'), kinds, each)
  await writeLoudBackbone(join(folder, 'backbone'))
  const settings = [
    ...[`model.backbone=${join(folder, 'backbone')}`, 'model.recipe=head', 'image.channels=grey'],
    ...['learn.steps=30', 'learn.k=10', 'learn.start.fresh=1000000'],
    ...['http.port=0', 'http.adminPort=0', 'logging.level=warn'],
  ]
  const args = ['run', join(folder, 'pictures'), '--data', join(folder, 'data'), '--json']
  const pairs = settings.flatMap((pair) => ['--set', pair])
  const child = spawn(process.execPath, [main, ...args, ...pairs], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const addresses = await new Promise<Readonly<Record<string, string>>>((resolve, reject) => {
    createInterface(child.stdout).on('line', (line) => {
      const event = JSON.parse(line)
      if (event.event === 'listening') resolve(event)
    })
    void ended.then(() => reject(new Error('expected the service to run on, it ended')))
  })

  const post: LiveService['post'] = async (path, body) => {
    const isPicture = body instanceof Uint8Array
    const began = performance.now()
    const response = await fetch(`${isPicture ? addresses['data'] : addresses['admin']}${path}`, {
      method: 'POST',
      headers: {
        'content-type': isPicture ? 'image/png' : 'application/json',
        'x-contrastream': '1',
      },
      body: isPicture ? (body as Uint8Array<ArrayBuffer>) : JSON.stringify(body),
    })
    const answer = (await response.json()) as Answer['body']
    const at = performance.now()
    return { status: response.status, body: answer, ms: at - began, at }
  }
  const release = async () => {
    const response = await fetch(`${addresses['data']}/v1/release`)
    return (await response.json()) as Readonly<Record<string, unknown>>
  }
  const model = async () => String((await release())['model'])

  await until(async () => (await release())['vectors'] === kinds * each)
  const first = await model()
  await post('/v1/rounds', {})
  await until(async () => (await model()) !== first)
  return {
    versions: [first, await model()],
    post,
    model,
    stop: async () => {
      child.kill('SIGTERM')
      await ended
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Requests that never stop, one after another, to embed and to search in turn. */
export function continuousLoad({ post }: LiveService, pictures: readonly Uint8Array[]) {
  const answers: Answer[] = []
  let isOver = false
  const one = async (path: string): Promise<void> => {
    for (let turn = 0; !isOver; turn += 1) {
      answers.push(await post(path, pictures[turn % pictures.length] as Uint8Array))
    }
  }
  const all = Promise.all([one('/v1/embed'), one('/v1/search?k=10')])
  return {
    answers,
    /** Ends it once the requests under way are answered. */
    stop: async () => {
      isOver = true
      await all
    },
  }
}

/** The value below which a share of the numbers lies. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN
}
