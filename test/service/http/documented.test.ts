import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { ImageDecodeError, StoreError } from '../../../lib/errors.ts'
import type { HttpParts } from '../../../lib/service/http/parts.ts'
import { problemSchema } from '../../../lib/service/http/problem.ts'
import { storeCalls } from '../../../lib/service/http/store-calls.ts'
import { quarantine } from '../../../lib/service/quarantine.ts'
import { releaseHolder } from '../../../lib/service/serving-release.ts'
import { topicNames } from '../../../lib/stream/topics.ts'
import { busy, plain } from '../../fixtures/image/pictures.ts'
import {
  type Answer,
  ask,
  idOf,
  openShop,
  partsOf,
  png,
  type Running,
  type Shop,
  startServer,
} from './support.ts'

/** A route in the words of the description. */
type Route = `${'GET' | 'POST' | 'PUT' | 'DELETE'} /${string}`

interface Sent {
  readonly path?: Readonly<Record<string, string>>
  readonly query?: string
  readonly body?: RequestInit['body']
  readonly headers?: Readonly<Record<string, string>>
  readonly token?: string
}

interface Described {
  readonly responses: Readonly<Record<string, { content?: Record<string, { schema: object }> }>>
  readonly security?: readonly unknown[]
}

let shop: Shop
let bare: Shop
let running: Running
let onBare: Running
let description: Record<string, Record<string, Described>>
const asked = new Map<string, Set<number>>()

const describedRoute = (route: Route): Described => {
  const [method, path] = route.split(' ') as [string, string]
  return description[path]?.[method.toLowerCase()] as Described
}

/** Asks the admin port, which has all routes, and checks the answer against the description. */
async function call(route: Route, sent: Sent = {}, at: string = running.admin): Promise<Answer> {
  const [method, template] = route.split(' ') as [string, string]
  const path = template.replaceAll(/\{(\w+)\}/g, (_, name) => sent.path?.[name] ?? '')
  const answer = await ask(`${at}${path}${sent.query ?? ''}`, {
    method,
    headers: { 'x-contrastream': '1', ...sent.headers },
    ...(sent.body !== undefined && { body: sent.body, duplex: 'half' }),
    token: sent.token,
  } as RequestInit)
  const { status, json, headers } = answer
  asked.set(route, (asked.get(route) ?? new Set()).add(status))
  const described = describedRoute(route).responses[status]
  expect(
    described,
    `${route} does not document ${status}: ${answer.bytes.toString()}`,
  ).toBeDefined()
  const type = headers.get('content-type')?.split(';')[0] ?? ''
  const schema = described?.content?.[type]?.schema
  if (type.includes('json') && schema !== undefined && status < 400) {
    z.fromJSONSchema(schema as never).parse(json)
  }
  if (status >= 400 && !template.startsWith('/health')) {
    expect(type).toBe('application/problem+json')
    expect(problemSchema.parse(json).status).toBe(status)
  }
  expect(headers.get('x-request-id')).toBeTruthy()
  return answer
}

const json = (value: unknown) => ({
  body: JSON.stringify(value),
  headers: { 'content-type': 'application/json' },
})

/** What each route is asked for when nothing is wrong. */
const good = async (): Promise<Readonly<Record<Route, Sent>>> => {
  const [, stable] = shop.versions
  const picture = shop.pictures[0] as Uint8Array<ArrayBuffer>
  const id = idOf(picture)
  return {
    'POST /v1/images': { body: (await png(90)) as Uint8Array<ArrayBuffer> },
    'POST /v1/embed': { body: picture },
    'POST /v1/search': { body: picture },
    'GET /v1/release': {},
    'GET /v1/limits': {},
    'GET /v1/models': {},
    'GET /v1/models/{version}': { path: { version: 'v1' } },
    'GET /v1/clusters': {},
    'GET /v1/clusters/{id}': { path: { id: '7' } },
    'GET /v1/images/{id}': { path: { id } },
    'GET /v1/thumbnails/{id}': { path: { id } },
    'GET /v1/map/{version}': { path: { version: 'v2' } },
    'GET /v1/training': {},
    'GET /v1/quarantine': {},
    'POST /v1/models/{version}/promote': {
      path: { version: 'v2' },
      ...json({ expects: stable, reason: 'again' }),
    },
    'POST /v1/rollback': json({ expects: stable }),
    'POST /v1/rounds': json({ reason: 'new shelves' }),
    'PUT /v1/clusters/{id}/name': { path: { id: '7' }, ...json({ name: 'apples' }) },
    'DELETE /v1/images/{id}': { path: { id: 'e'.repeat(64) } },
    'POST /v1/quarantine/replay': json({ code: 'IMAGE_DECODE' }),
    'GET /openapi.json': {},
    'GET /health/live': {},
    'GET /health/ready': {},
    'GET /metrics': {},
  }
}
/** Answered with events that never end: it has tests of its own. */
const endless: Route = 'GET /v1/events'

const columns = { etag: 'm1', points: 1, bytes: new Uint8Array(14) }
const withMap = { map: async (version: string) => (version === 'v2' ? columns : undefined) }

beforeAll(async () => {
  shop = await openShop()
  running = await startServer(partsOf(shop, withMap))
  bare = await openShop({}, true)
  onBare = await startServer(partsOf(bare))
  const { json: described } = await ask(`${running.admin}/openapi.json`)
  description = described['paths'] as unknown as typeof description
})
afterAll(async () => {
  await Promise.all([running, onBare].map(({ server }) => server.close({ drainMs: 0 })))
  await shop.close()
  await bare.close()
})

/** A picture that is stored as it is: `POST /v1/images` would not take it. */
const stored = async (bytes: Uint8Array) => shop.pipeline.blobs.put('pictures', bytes)
const half = async () => (await busy().jpeg().toBuffer()).subarray(0, 900)
const large = async () => plain().resize(300, 200).png().toBuffer()

it('answers every route as its description says', async () => {
  for (const [route, sent] of Object.entries(await good())) {
    const { status, bytes } = await call(route as Route, sent)
    expect(status, `${route}: ${bytes}`).toBeLessThan(300)
  }
  // The rollback pinned the first version: everything goes on with the second.
  const [first] = shop.versions
  await call('POST /v1/models/{version}/promote', {
    path: { version: 'v2' },
    ...json({ expects: first }),
  })
})

describe('refuses', () => {
  type Case = readonly [number, string, Route, () => Promise<Sent> | Sent, object?]
  const picture = () => shop.pictures[0] as Uint8Array<ArrayBuffer>
  const cases: readonly Case[] = [
    [400, 'a request without a picture', 'POST /v1/images', () => ({}), { code: 'INPUT' }],
    [
      400,
      'a source that is too long',
      'POST /v1/images',
      () => ({ body: picture(), headers: { 'x-source': 'x'.repeat(201) } }),
    ],
    [
      400,
      'a time that is none',
      'POST /v1/images',
      () => ({ body: picture(), headers: { 'x-captured-at': 'noon' } }),
    ],
    [
      410,
      'an erased picture',
      'POST /v1/images',
      async () => {
        const body = (await png(61)) as Uint8Array<ArrayBuffer>
        await call('DELETE /v1/images/{id}', { path: { id: idOf(body) } })
        return { body }
      },
      { code: 'ERASED' },
    ],
    [
      413,
      'too many bytes',
      'POST /v1/images',
      () => ({ body: new Uint8Array(65_537) }),
      { code: 'IMAGE_SIZE', reason: 'bytes', limit: 65_536, got: 65_537 },
    ],
    [
      415,
      'other bytes, whatever the header says',
      'POST /v1/images',
      () => ({ body: '<svg/>', headers: { 'content-type': 'image/png' } }),
      { code: 'IMAGE_TYPE' },
    ],
    [400, 'an empty form', 'POST /v1/embed', () => ({ body: new FormData() })],
    [
      413,
      'too many pixels',
      'POST /v1/embed',
      async () => ({ body: await large() }),
      { code: 'IMAGE_SIZE', reason: 'pixels', limit: 40_000, got: 60_000 },
    ],
    [
      413,
      'a side that is too short',
      'POST /v1/embed',
      async () => ({ body: (await png(1, 7)) as Uint8Array<ArrayBuffer> }),
      { reason: 'side', limit: 8, got: 7 },
    ],
    [
      415,
      'words',
      'POST /v1/embed',
      () => ({ body: '{"a":1}', headers: { 'content-type': 'application/json' } }),
    ],
    [
      422,
      'half a picture',
      'POST /v1/embed',
      async () => ({ body: await half() }),
      { code: 'IMAGE_DECODE' },
    ],
    [400, 'no neighbours', 'POST /v1/search', () => ({ body: picture(), query: '?k=0' })],
    [
      400,
      'too many neighbours',
      'POST /v1/search',
      () => ({ body: picture(), query: '?k=51' }),
      { reason: 'neighbours', limit: 50, got: 51 },
    ],
    [400, 'nothing to search for', 'POST /v1/search', () => ({})],
    [
      400,
      'JSON that is none',
      'POST /v1/search',
      () => ({ body: '{', headers: { 'content-type': 'application/json' } }),
      { code: 'INPUT' },
    ],
    [
      409,
      'a vector of another model',
      'POST /v1/search',
      () => json({ vector: [1], model: shop.versions[0], preprocessing: 'p' }),
      { code: 'VERSION_MISMATCH' },
    ],
    [413, 'too many bytes', 'POST /v1/search', () => ({ body: new Uint8Array(65_537) })],
    [
      413,
      'too much JSON',
      'POST /v1/search',
      () => json({ vector: 'x'.repeat(300_000) }),
      { code: 'INPUT', reason: 'bytes' },
    ],
    [415, 'words', 'POST /v1/search', () => ({ body: 'words' })],
    [422, 'half a picture', 'POST /v1/search', async () => ({ body: await half() })],
    [
      400,
      'a version that is none',
      'GET /v1/models/{version}',
      () => ({ path: { version: 'latest' } }),
    ],
    [
      404,
      'a version that is not there',
      'GET /v1/models/{version}',
      () => ({ path: { version: 'v9' } }),
      { code: 'MISSING' },
    ],
    [400, 'a cluster that is none', 'GET /v1/clusters/{id}', () => ({ path: { id: 'apples' } })],
    [404, 'a cluster that is not there', 'GET /v1/clusters/{id}', () => ({ path: { id: '3' } })],
    [400, 'an id that is none', 'GET /v1/images/{id}', () => ({ path: { id: 'xyz' } })],
    [
      404,
      'a picture nobody knows',
      'GET /v1/images/{id}',
      () => ({ path: { id: 'a'.repeat(64) } }),
    ],
    [410, 'an erased picture', 'GET /v1/images/{id}', () => ({ path: { id: 'e'.repeat(64) } })],
    [400, 'an id that is none', 'GET /v1/thumbnails/{id}', () => ({ path: { id: 'x' } })],
    [
      404,
      'a picture that is not stored',
      'GET /v1/thumbnails/{id}',
      () => ({ path: { id: 'a'.repeat(64) } }),
    ],
    [410, 'an erased picture', 'GET /v1/thumbnails/{id}', () => ({ path: { id: 'e'.repeat(64) } })],
    [
      413,
      'too many pixels',
      'GET /v1/thumbnails/{id}',
      async () => ({ path: { id: await stored(await large()) } }),
    ],
    [
      415,
      'stored words',
      'GET /v1/thumbnails/{id}',
      async () => ({ path: { id: await stored(Buffer.from('words')) } }),
    ],
    [
      422,
      'half a picture',
      'GET /v1/thumbnails/{id}',
      async () => ({ path: { id: await stored(await half()) } }),
    ],
    [400, 'a version that is none', 'GET /v1/map/{version}', () => ({ path: { version: 'x' } })],
    [404, 'a map that was not made', 'GET /v1/map/{version}', () => ({ path: { version: 'v1' } })],
    [
      400,
      'an id of events that is too long',
      endless,
      () => ({ headers: { 'last-event-id': 'x'.repeat(101) } }),
    ],
    [
      400,
      'a move that expects nothing',
      'POST /v1/models/{version}/promote',
      () => ({ path: { version: 'v1' }, ...json({}) }),
    ],
    [
      404,
      'a version that is not there',
      'POST /v1/models/{version}/promote',
      () => ({ path: { version: 'v9' }, ...json({ expects: shop.versions[1] }) }),
    ],
    [
      409,
      'a move that expects another version',
      'POST /v1/models/{version}/promote',
      () => ({ path: { version: 'v1' }, ...json({ expects: 'v7' }) }),
      { code: 'CONFLICT' },
    ],
    [400, 'words of other keys', 'POST /v1/rollback', () => json({ expects: 'v2', to: 'v1' })],
    [
      409,
      'a rollback that expects another version',
      'POST /v1/rollback',
      () => json({ expects: 'v7' }),
    ],
    [400, 'a reason that is no text', 'POST /v1/rounds', () => json({ reason: 1 })],
    [
      400,
      'a name without letters',
      'PUT /v1/clusters/{id}/name',
      () => ({ path: { id: '7' }, ...json({ name: ' ' }) }),
    ],
    [
      404,
      'a name for nothing',
      'PUT /v1/clusters/{id}/name',
      () => ({ path: { id: '3' }, ...json({ name: 'x' }) }),
    ],
    [400, 'to forget what is no id', 'DELETE /v1/images/{id}', () => ({ path: { id: 'all' } })],
    [400, 'to send nothing again', 'POST /v1/quarantine/replay', () => json({})],
  ]
  const named = cases.map(([status, what, route, sent, problem = {}]) => {
    return { status, what, route, sent, problem }
  })
  it.each(named)('with $status $what: $route', async ({ status, route, sent, problem }) => {
    const answer = await call(route, await sent())
    expect(answer.json).toMatchObject({ status, ...problem })
  })

  it('to show clusters, or to go back, where there is nothing yet', async () => {
    expect((await call('GET /v1/clusters', {}, onBare.admin)).status).toBe(404)
    const back = await call('POST /v1/rollback', json({ expects: bare.versions[0] }), onBare.admin)
    expect(back.status).toBe(404)
  })

  it('a name that somebody else gives at the same moment', async () => {
    const { documents } = shop.pipeline
    const racing = {
      ...shop.pipeline,
      documents: Object.assign(Object.create(documents), {
        swap: async (key: string, value: never, tag: string) => {
          await documents.swap(key, { format: 1, name: 'pears' }, tag)
          return documents.swap(key, value, tag)
        },
      }),
    }
    const calls = storeCalls(racing, {} as never, Date.now)
    const parts = partsOf(shop)
    const server = await startServer({
      ...parts,
      store: { ...parts.store, nameCluster: calls.nameCluster },
    })
    const sent = { path: { id: '7' }, ...json({ name: 'plums' }) }
    expect((await call('PUT /v1/clusters/{id}/name', sent, server.admin)).status).toBe(409)
    await server.server.close({ drainMs: 0 })
  })
})

it('says that what the client has is still true', async () => {
  const id = idOf(shop.pictures[0] as Uint8Array)
  for (const [route, path] of [
    ['GET /v1/thumbnails/{id}', { id }],
    ['GET /v1/map/{version}', { version: 'v2' }],
  ] as const) {
    const etag = (await call(route, { path })).headers.get('etag') as string
    const again = await call(route, { path, headers: { 'if-none-match': etag } })
    expect([again.status, again.bytes.length]).toEqual([304, 0])
  }
})

/** Routes that a stranger may not use. */
const guarded = async (): Promise<[Route, Sent][]> => {
  const all = Object.entries(await good()) as [Route, Sent][]
  return [...all, [endless, {}] as [Route, Sent]].filter(([route]) => {
    return describedRoute(route).security === undefined
  })
}

it('lets nobody in without a token, with an unknown one, or with one for something else', async () => {
  const parts = partsOf(shop)
  const http = { ...parts.config.http, names: ['photos.example'] }
  const read = await shop.token('read')
  const ingest = await shop.token('ingest')
  const { server, admin } = await startServer({
    ...parts,
    ...withMap,
    config: { ...parts.config, http },
  })
  for (const [route, sent] of await guarded()) {
    const none = await call(route, sent, admin)
    expect([none.status, none.headers.get('www-authenticate')], route).toEqual([401, 'Bearer'])
    const wrong = await call(route, { ...sent, token: `${read.slice(0, -1)}!` }, admin)
    expect([wrong.status, wrong.json['reason']], route).toEqual([401, 'token'])
    const other = route === 'POST /v1/images' ? read : ingest
    const refused = await call(route, { ...sent, token: other }, admin)
    expect([refused.status, refused.json['reason']], route).toEqual([403, 'scope'])
  }
  await server.close({ drainMs: 0 })
})

it('limits the requests of a token, on every route', async () => {
  const parts = partsOf(shop)
  const http = { ...parts.config.http, names: ['photos.example'], rate: 1 }
  const token = await shop.token('admin')
  const { server, admin } = await startServer({ ...parts, config: { ...parts.config, http } })
  await call('GET /v1/limits', { token }, admin)
  for (const [route, sent] of await guarded()) {
    const { status, json: problem, headers } = await call(route, { ...sent, token }, admin)
    expect(problem, route).toMatchObject({ status, code: 'BUSY', reason: 'rate', limit: 1 })
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
  }
  await server.close({ drainMs: 0 })
})

it('says when to come back, while stores are away or nothing is loaded', async () => {
  const parts = partsOf(shop)
  const away = () =>
    Promise.reject(new StoreError('store: expected it, got /srv/secret', { retryable: true }))
  const store = new Proxy(parts.store, {
    get: (target, name) =>
      name === 'tokens' || name === 'erased' ? Reflect.get(target, name) : away,
  })
  const releases: HttpParts['releases'] = Object.assign(releaseHolder(), { bad: [] })
  const { server, admin } = await startServer({
    ...parts,
    store,
    releases,
    map: away,
    health: () => ({ isLive: false, isReady: false, notes: ['the watchdog barks'] }),
  })
  const documented = (Object.entries(await good()) as [Route, Sent][]).filter(
    ([route]) => describedRoute(route).responses[503] !== undefined,
  )
  expect(documented.length).toBeGreaterThan(15)
  for (const [route, sent] of documented) {
    const { status, headers, bytes } = await call(route, sent, admin)
    expect(status, route).toBe(503)
    expect(bytes.toString()).not.toContain('/srv/secret')
    if (!route.includes('/health')) expect(headers.get('retry-after'), route).toBe('5')
  }
  await server.close({ drainMs: 0 })
})

it('sets aside records in view, and sends those again that can be sent', async () => {
  const aside = quarantine(shop.pipeline.stream, topicNames.dead, 'ingest', () => 1_700_000_000_000)
  const origin = { topic: topicNames.unlabeled, partition: 0, offset: 3, timestamp: 1 }
  const sha256 = idOf(shop.pictures[0] as Uint8Array)
  const envelope = { v: 1, sha256, bytes: 10, mediaType: 'image/png', source: 'x' }
  await aside.add({ ...origin, envelope }, new ImageDecodeError('half a picture'))
  await aside.add(origin, new ImageDecodeError('no picture'))
  await expect
    .poll(async () => (await call('GET /v1/quarantine')).json, { timeout: 10_000 })
    .toMatchObject({
      total: 2,
      byCode: { IMAGE_DECODE: 2 },
      entries: [{ id: 1 }, { picture: sha256 }],
    })
  const again = await call('POST /v1/quarantine/replay', json({ code: 'IMAGE_DECODE' }))
  expect(again.json).toMatchObject({ sent: [0], refused: [{ id: 1, code: 'MISSING' }] })
})

it('streams events', async () => {
  const stop = new AbortController()
  const response = await fetch(`${running.admin}/v1/events`, { signal: stop.signal })
  asked.set(endless, (asked.get(endless) ?? new Set()).add(response.status))
  expect(response.headers.get('content-type')).toBe('text/event-stream')
  stop.abort()
})

it('has been asked for every status that it documents, on every route', () => {
  const missing: string[] = []
  for (const [path, methods] of Object.entries(description)) {
    for (const [method, { responses }] of Object.entries(methods)) {
      const route = `${method.toUpperCase()} ${path}`
      for (const status of Object.keys(responses)) {
        if (status === 'default' || asked.get(route)?.has(Number(status))) continue
        missing.push(`${route} ${status}`)
      }
    }
  }
  expect(missing).toEqual([])
})
