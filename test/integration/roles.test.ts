import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { encodePng } from '../../lib/image/encode.ts'
import { glyphPicture, glyphSize } from '../../lib/service/demo-glyphs.ts'
import { writeLoudBackbone } from './loud-backbone.ts'
import { contrastream, type Running, start } from './program.ts'
import { writeGlyphs } from './small-run.ts'

const kinds = 10
const each = 24
/** One machine may be slow: what comes within seconds on a quiet one. */
const patience = { timeout: 60_000, interval: 100 }

let folder: string
let service: Running
let data: string
let admin: string

/** A service over generated pictures, whose rounds begin only when somebody asks for one. */
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'contrastream-roles-'))
  await writeGlyphs(join(folder, 'pictures'), kinds, each)
  await writeLoudBackbone(join(folder, 'backbone'))
  const pairs = [
    ...['engine=wasm', `model.backbone=${join(folder, 'backbone')}`, 'model.recipe=head'],
    ...['image.channels=grey', 'learn.steps=30', 'learn.k=10', 'learn.start.fresh=1000000'],
    ...['http.port=0', 'http.adminPort=0', 'run.drain=100ms', 'logging.level=warn'],
  ]
  service = start([
    ...['run', join(folder, 'pictures'), '--data', join(folder, 'data')],
    ...pairs.flatMap((pair) => ['--set', pair]),
  ])
  await findPorts()
})
afterAll(() => {
  service.signal('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

/** Where the last start of `serve` listens. */
async function findPorts(starts = 1): Promise<void> {
  const heard = () => service.lines().filter(({ event }) => event === 'listening')
  await vi.waitFor(() => expect(heard()).toHaveLength(starts), patience)
  const last = heard().at(-1)
  data = String(last?.['data'])
  admin = String(last?.['admin'])
}

const picture = (number: number): Promise<Uint8Array> =>
  encodePng(glyphPicture(5, number % kinds, 1_000 + number), glyphSize, glyphSize)
const idOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

async function post(path: string, bytes: Uint8Array) {
  const headers = { 'content-type': 'image/png' }
  const response = await fetch(`${data}${path}`, { method: 'POST', headers, body: bytes })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

async function release(): Promise<Record<string, unknown>> {
  const response = await fetch(`${data}/v1/release`)
  expect(response.status).toBe(200)
  return (await response.json()) as Record<string, unknown>
}

/** Id of the nearest picture. */
async function nearest(bytes: Uint8Array): Promise<unknown> {
  const { status, body } = await post('/v1/search?k=1', bytes)
  expect(status).toBe(200)
  return (body['neighbours'] as { id: string }[])[0]?.id
}

/** Numbers of the processes that the supervisor has started, by role. */
function children(): Record<string, number> {
  const listed = execFileSync('ps', ['-o', 'pid=,args=', '--ppid', String(service.pid)]).toString()
  const found = listed.matchAll(/(\d+) contrastream (\w+)/g)
  return Object.fromEntries([...found].map(([, pid, role]) => [role, Number(pid)]))
}

it('indexes what lies in the folder, and finds what was just posted', async () => {
  const total = kinds * each
  await vi.waitFor(async () => expect((await release())['vectors']).toBe(total), patience)
  const bytes = await picture(0)
  expect(await nearest(bytes)).not.toBe(idOf(bytes))
  expect(await post('/v1/images', bytes)).toMatchObject({
    ...{ status: 202, body: { id: idOf(bytes), duplicate: false } },
  })
  await vi.waitFor(async () => expect(await nearest(bytes)).toBe(idOf(bytes)), patience)
})

it('puts a new model and its index in place of the old ones without a failed request', async () => {
  const bytes = await picture(0)
  const answers: { status: number; model: unknown; isFound: boolean }[] = []
  let isOver = false
  const load = (async () => {
    while (!isOver) {
      const { status, body } = await post('/v1/search?k=1', bytes)
      const [first] = (body['neighbours'] ?? []) as { id: string }[]
      answers.push({ status, model: body['model'], isFound: first?.id === idOf(bytes) })
      await delay(20)
    }
  })()
  const before = String((await release())['model'])
  const asked = await fetch(`${admin}/v1/rounds`, {
    method: 'POST',
    headers: { 'x-contrastream': '1', 'content-type': 'application/json' },
    body: '{}',
  })
  expect(asked.status).toBe(202)
  const underWay = async () =>
    ((await (await fetch(`${admin}/v1/training`)).json()) as never)['underWay']
  await vi.waitFor(async () => expect(await underWay()).toMatchObject({ round: 1 }), patience)
  await vi.waitFor(async () => expect((await release())['model']).toMatch(/^v2-/), patience)
  await delay(500)
  isOver = true
  await load

  const { model, vectors, generation } = await release()
  expect(answers.filter(({ status, isFound }) => status !== 200 || !isFound)).toEqual([])
  const models = answers.map((answer) => answer.model)
  expect(models).toEqual([
    ...models.filter((one) => one === before),
    ...models.filter((one) => one === model),
  ])
  expect([vectors, generation]).toEqual([kinds * each + 1, expect.stringMatching(/^v2-.*\.\d+$/)])
})

it('answers from the release before as well, and shows all pictures on a map', async () => {
  const bytes = await picture(0)
  const { status, body } = await post('/v1/search?k=1&release=previous', bytes)
  expect([status, body['model']]).toEqual([200, expect.stringMatching(/^v1-/)])
  const map = await fetch(`${admin}/v1/map/stable`)
  expect(Number(map.headers.get('x-contrastream-points'))).toBe(kinds * each + 1)
  const etag = String(map.headers.get('etag'))
  const again = await fetch(`${admin}/v1/map/stable`, { headers: { 'if-none-match': etag } })
  expect([map.status, again.status]).toEqual([200, 304])
})

it('goes back with the old index, and forward again, by one request each', async () => {
  const move = async (path: string, expects: unknown) => {
    const response = await fetch(`${admin}${path}`, {
      method: 'POST',
      headers: { 'x-contrastream': '1', 'content-type': 'application/json' },
      body: JSON.stringify({ expects }),
    })
    expect(response.status).toBe(200)
  }
  const answers = async (version: RegExp) => {
    const serves = async () => expect((await release())['model']).toMatch(version)
    await vi.waitFor(serves, patience)
    const bytes = await picture(0)
    expect(await nearest(bytes)).toBe(idOf(bytes))
  }
  await move('/v1/rollback', (await release())['model'])
  await answers(/^v1-/)
  await move('/v1/models/v2/promote', (await release())['model'])
  await answers(/^v2-/)
})

it('runs a round that a command asks for, and tells it the verdict', async () => {
  const asked = ['round', 'start', '--wait', '--data', join(folder, 'data')]
  const { code, lines } = await contrastream(asked)
  expect(lines.at(-1)).toMatchObject({
    ...{ event: 'answered', request: 2, reason: expect.any(String) },
    verdict: expect.stringMatching(/^(promote|hold|reject|nothing)$/),
  })
  expect(code).toBe(lines.at(-1)?.['verdict'] === 'promote' ? 0 : 3)
})

const roles = ['embed', 'learn', 'serve']
it.each(roles)('starts %s again when it was killed, and loses nothing', async (role) => {
  const { [role]: pid } = children()
  process.kill(Number(pid), 'SIGKILL')
  const number = 1 + roles.indexOf(role)
  const bytes = await picture(number)
  if (role === 'serve') await findPorts(2)
  const { status } = await post('/v1/images', bytes)
  expect(status).toBe(202)
  const isFound = async () => expect(await nearest(bytes)).toBe(idOf(bytes))
  await vi.waitFor(isFound, patience)
  await vi.waitFor(() => expect(Object.keys(children()).sort()).toEqual(roles), patience)
  expect(children()[role]).not.toBe(pid)
  expect(
    service
      .lines()
      .filter(({ event }) => event === 'restart')
      .at(-1),
  ).toMatchObject({ role })
})

it('stops within the deadline on SIGTERM, everything that was acknowledged applied', async () => {
  const all = kinds * each + 4
  const applied = () =>
    service
      .lines()
      .filter(({ event }) => event === 'progress')
      .at(-1)
  await vi.waitFor(() => expect(applied()).toMatchObject({ applied: all }), patience)
  const began = performance.now()
  service.signal('SIGTERM')
  const { code, lines } = await service.ended
  expect(code).toBe(0)
  expect(performance.now() - began).toBeLessThan(25_000)
  expect(lines.at(-1)).toMatchObject({ event: 'summary', applied: all, interrupted: true })
  // Nobody is left behind, decoders included.
  const anybody = () => process.kill(-service.pid, 0)
  await vi.waitFor(() => expect(anybody).toThrow('ESRCH'), patience)
})
