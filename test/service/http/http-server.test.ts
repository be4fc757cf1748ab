import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { modelCalls } from '../../../lib/service/http/model-views.ts'
import { storeCalls } from '../../../lib/service/http/store-calls.ts'
import { requestedIndex } from '../../../lib/service/index-request.ts'
import {
  type Answer,
  acceptingOf,
  ask,
  askRaw,
  idOf,
  openShop,
  partsOf,
  png,
  publishVersion,
  type Running,
  readyIndexOf,
  type Shop,
  startServer,
} from './support.ts'

let shop: Shop
let running: Running
beforeAll(async () => {
  shop = await openShop()
  running = await startServer(partsOf(shop))
})
afterAll(async () => {
  await running.server.close({ drainMs: 0 })
  await shop.close()
})

const post = (path: string, body: RequestInit['body'], headers: Record<string, string> = {}) =>
  ask(`${running.data}${path}`, { method: 'POST', body: body ?? null, headers })
const picture = (i: number) => shop.pictures[i] as Uint8Array<ArrayBuffer>

describe('every answer', () => {
  it('names model, preprocessing, generation and request', async () => {
    const { version, preprocessingHash, generation } = shop.releases.current ?? {}
    const headers = { 'x-request-id': 'mine-1' }
    const answers = [
      await post('/v1/embed', picture(0), headers),
      await post('/v1/embed', 'words', headers),
      await ask(`${running.data}/v1/limits`, { headers }),
      await ask(`${running.data}/nowhere`, { headers }),
    ]
    expect(answers.map(({ status }) => status)).toEqual([200, 415, 200, 404])
    for (const { headers: told } of answers) {
      expect(told.get('x-contrastream-model')).toBe(version)
      expect(told.get('x-contrastream-preprocessing')).toBe(preprocessingHash)
      expect(told.get('x-contrastream-generation')).toBe(generation)
      expect(told.get('x-request-id')).toBe('mine-1')
    }
    expect(answers[1]?.json['requestId']).toBe('mine-1')
  })

  it('takes no request id that could confuse a log', async () => {
    for (const id of ['a b', '"', 'x'.repeat(65)]) {
      const { headers } = await ask(`${running.data}/v1/limits`, {
        headers: { 'x-request-id': id },
      })
      expect(headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
    }
  })

  it('forbids browsers to run, frame or guess anything, and lets no other site read it', async () => {
    const { headers } = await ask(`${running.data}/v1/limits`)
    expect(headers.get('content-security-policy')).toMatch(/^default-src 'self';/)
    expect(headers.get('content-security-policy')).not.toContain('unsafe')
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('access-control-allow-origin')).toBeNull()
  })
})

describe('embedding', () => {
  it('gives the same numbers as bytes, and those of a form in its order', async () => {
    const binary = await post('/v1/embed', picture(0), { accept: 'application/octet-stream' })
    const floats = new Float32Array(Uint8Array.from(binary.bytes).buffer)
    const { json } = await post('/v1/embed', picture(0))
    expect(Array.from(floats)).toEqual(json['embedding'])
    expect(Number(binary.headers.get('x-contrastream-dim'))).toBe(floats.length)
    const form = new FormData()
    for (const i of [1, 0]) form.append('picture', new Blob([picture(i)]), `${i}.png`)
    const many = await post('/v1/embed', form)
    const rows = many.json['embeddings'] as number[][]
    expect(rows).toHaveLength(2)
    expect(rows[1]).toEqual(json['embedding'])
  })

  it('takes as many pictures as a form may have, and no more', async () => {
    const formOf = (count: number) => {
      const form = new FormData()
      for (let i = 0; i < count; i += 1) form.append('p', new Blob([picture(i)]), 'p.png')
      return form
    }
    expect((await post('/v1/embed', formOf(3))).status).toBe(200)
    const { status, json } = await post('/v1/embed', formOf(4))
    expect([status, json]).toMatchObject([400, { reason: 'batch', limit: 3, got: 4 }])
    const big = new FormData()
    big.append('p', new Blob([new Uint8Array(70_000)]), 'p.png')
    expect((await post('/v1/embed', big)).json).toMatchObject({ status: 413, limit: 65_536 })
  })
})

describe('search', () => {
  it('finds a picture by itself and by its vector, from the same release', async () => {
    const { json: found } = await post('/v1/search?k=3', picture(2))
    const neighbours = found['neighbours'] as { id: string; similarity: number; pSame: number }[]
    expect(neighbours.map(({ id }) => id)).toHaveLength(3)
    expect(neighbours[0]).toMatchObject({ id: idOf(picture(2)), cluster: 7 })
    expect(neighbours[0]?.similarity).toBeCloseTo(1, 5)
    // alpha .5 and beta .1 of the manifest
    expect(neighbours[0]?.pSame).toBeCloseTo(1 / (1 + Math.exp(-5)), 5)
    const { json: embedded } = await post('/v1/embed', picture(2))
    const { embedding: vector, model, preprocessing } = embedded
    const body = JSON.stringify({ vector, model, preprocessing })
    const byVector = await post('/v1/search?k=3', body, { 'content-type': 'application/json' })
    expect(byVector.json).toEqual(found)
    expect(found).toMatchObject({ model, preprocessing, exact: true })
  })

  it('answers from the release before, and says so', async () => {
    const { json, headers } = await post('/v1/search?release=previous', picture(0))
    expect(json['model']).toBe(shop.versions[0])
    expect(headers.get('x-contrastream-model')).toBe(shop.versions[0])
    // What its cosines mean was not fitted.
    expect(json['neighbours']).toContainEqual(expect.objectContaining({ pSame: null, cluster: 7 }))
  })

  it('has no release before where memory does not hold two', async () => {
    const { previous: _, ...parts } = partsOf(shop)
    const alone = await startServer(parts)
    const url = `${alone.data}/v1/search?release=previous`
    const { status, json } = await ask(url, { method: 'POST', body: picture(0) })
    expect([status, json]).toMatchObject([503, { code: 'BUSY', reason: 'no-previous' }])
    await alone.server.close({ drainMs: 0 })
  })

  it('takes only vectors that a model makes', async () => {
    const stamp = { model: shop.versions[1], preprocessing: shop.index.preprocessingHash }
    const search = (vector: unknown) =>
      post('/v1/search', JSON.stringify({ vector, ...stamp }), {
        'content-type': 'application/json',
      })
    const short = await search([1, 0])
    expect(short.json).toMatchObject({ status: 400, reason: 'dim', limit: shop.index.dim, got: 2 })
    const long = await search(Array.from({ length: shop.index.dim }, () => 1))
    expect(long.json).toMatchObject({ status: 400, reason: 'length' })
    expect((await search(['1'])).status).toBe(400)
  })
})

describe('pictures in', () => {
  it('are learnt from by the next reader of the log, and are known afterwards', async () => {
    const bytes = (await png(33)) as Uint8Array<ArrayBuffer>
    const first = await post('/v1/images', bytes, { 'x-source': 'shelf' })
    expect([first.status, first.json]).toEqual([202, { id: idOf(bytes), duplicate: false }])
    const form = new FormData()
    form.append('picture', new Blob([bytes]), 'again.png')
    expect((await post('/v1/images', form)).json).toEqual({ id: idOf(bytes), duplicate: true })
    const thumbnail = await ask(`${running.data}/v1/thumbnails/${idOf(bytes)}`)
    expect(thumbnail.headers.get('content-type')).toBe('image/webp')
    expect(thumbnail.bytes.toString('latin1', 8, 12)).toBe('WEBP')
    expect(thumbnail.bytes.includes(Buffer.from(bytes))).toBe(false)
  })

  describe('while the disk is full', () => {
    let full: Shop
    const room = { free: 0, floor: 1 }
    let crowded: Running
    beforeAll(async () => {
      full = await openShop({}, true)
      const accepting = { ...acceptingOf(full), space: () => ({ ...room }) }
      const store = storeCalls(full.pipeline, accepting, Date.now)
      crowded = await startServer(partsOf(full, { store }))
    })
    afterAll(async () => {
      await crowded.server.close({ drainMs: 0 })
      await full.close()
    })
    const send = async (level: number) => {
      const body = (await png(level)) as Uint8Array<ArrayBuffer>
      return ask(`${crowded.data}/v1/images`, { method: 'POST', body })
    }

    it('are refused below its floor, and taken again by themselves', async () => {
      room.free = 1
      const refused = await send(34)
      expect(refused.json).toMatchObject({ status: 503, code: 'BUSY', reason: 'disk-full' })
      expect(refused.headers.get('retry-after')).toBe('5')
      room.free = 2
      expect((await send(34)).status).toBe(202)
    })

    it('are refused when nothing more can be written, and taken again by themselves', async () => {
      room.free = 2
      const { database } = full.pipeline
      const pages = Number(database.prepare('PRAGMA page_count').get()?.['page_count'])
      database.exec(`PRAGMA max_page_count = ${pages}`)
      const answers: Answer[] = []
      for (let level = 40; level < 400 && answers.at(-1)?.status !== 503; level += 1) {
        answers.push(await send(level))
      }
      const refused = answers.at(-1)
      expect(refused?.json).toMatchObject({ status: 503, reason: 'disk-full' })
      expect(refused?.headers.get('retry-after')).toBe('5')
      // First the log has no room for a record, then the store none for the row of a picture.
      const refusals = []
      for (let level = 400; level < 500; level += 1) refusals.push((await send(level)).json['code'])
      expect(refusals.slice(-2)).toEqual(['STORE', 'STORE'])
      const logged = full.lines.filter((line) => line.includes('disk-full'))
      const codes = logged.map((line) => JSON.parse(line).err.code)
      expect(codes).toEqual([...new Set([refused?.json['code'], ...refusals])])
      database.exec('PRAGMA max_page_count = 4294967294')
      expect((await send(39 + answers.length)).status).toBe(202)
    })
  })

  it('are forgotten: not shown, not found, not taken again', async () => {
    const id = idOf(picture(5))
    const found = async () => JSON.stringify((await post('/v1/search', picture(5))).json)
    const thumbnail = async () => (await ask(`${running.data}/v1/thumbnails/${id}`)).status
    expect([await thumbnail(), (await found()).includes(id)]).toEqual([200, true])
    const headers = { 'x-contrastream': '1' }
    const forget = () => ask(`${running.admin}/v1/images/${id}`, { method: 'DELETE', headers })
    expect((await forget()).json).toEqual({ id, again: false })
    expect((await forget()).json).toEqual({ id, again: true })
    expect([await thumbnail(), (await found()).includes(id)]).toEqual([410, false])
    expect((await post('/v1/images', picture(5))).status).toBe(410)
  })
})

describe('the admin port', () => {
  const admin = (path: string, body: object, headers: Record<string, string> = {}) =>
    ask(`${running.admin}${path}`, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json', 'x-contrastream': '1', ...headers },
    })

  it('moves stable and leaves who, when and why', async () => {
    const [first, second] = shop.versions
    const back = await admin('/v1/rollback', { expects: second, reason: 'worse' })
    expect(back.json).toEqual({
      stable: first,
      generation: `${first}.1`,
      pinned: true,
      previous: second,
    })
    const lost = await admin('/v1/rollback', { expects: second })
    expect(lost.json).toMatchObject({ status: 409, code: 'CONFLICT' })
    expect(lost.json['detail']).toContain(first)
    await admin('/v1/models/v2/promote', { expects: first })
    const moves = await shop.pipeline.registry.audit.moves('stable')
    expect(moves.slice(2).map(({ move }) => [move.by, move.why])).toEqual([
      ['http:loopback', 'worse'],
      ['http:loopback', 'promoted by hand'],
    ])
  })

  it('waits for the index of a version, and says how far it is when that takes long', async () => {
    const [, second] = shop.versions
    const { registry, documents } = shop.pipeline
    const third = await publishVersion(shop.pipeline, 3)
    const parts = partsOf(shop)
    const { promote } = modelCalls(shop.pipeline, Date.now, 0)
    const hasty = await startServer({ ...parts, store: { ...parts.store, promote } })
    const url = `/v1/models/${third.version}/promote`
    const late = await ask(`${hasty.admin}${url}`, {
      method: 'POST',
      body: JSON.stringify({ expects: second }),
      headers: { 'content-type': 'application/json', 'x-contrastream': '1' },
    })
    expect(late.json).toMatchObject({ status: 503, code: 'BUSY', reason: 'index' })
    expect(late.headers.get('retry-after')).toBe('5')
    await hasty.server.close({ drainMs: 0 })

    const moved = admin(url, { expects: second })
    await expect.poll(() => requestedIndex(documents)).toMatchObject({ version: third.version })
    await readyIndexOf(shop.pipeline, third)
    expect((await moved).json).toMatchObject({ stable: third.version, previous: second })
    const back = await admin('/v1/rollback', { expects: third.version })
    expect(back.json).toMatchObject({ stable: second })
    expect((await registry.stable.read())?.generation).toBe(`${second}.1`)
  })

  it('changes nothing for a page that a browser shows', async () => {
    const [, second] = shop.versions
    const headers = { 'x-contrastream': '' }
    const plain = await admin('/v1/rollback', { expects: second }, headers)
    expect(plain.json).toMatchObject({ status: 403, code: 'AUTH', reason: 'header' })
    const foreign = await post('/v1/images', picture(0), { origin: 'https://evil.example' })
    expect(foreign.json).toMatchObject({ status: 403, reason: 'origin' })
    const own = await post('/v1/images', picture(0), { origin: running.data })
    expect(own.status).toBe(202)
  })

  it('alone has health, metrics and what changes the pipeline', async () => {
    for (const path of ['/health/live', '/metrics', '/v1/events', '/v1/quarantine']) {
      expect((await ask(`${running.data}${path}`)).status).toBe(404)
    }
    expect((await post('/v1/rollback', '{}')).status).toBe(404)
  })

  it('writes wishes where the roles find them', async () => {
    const wish = await admin('/v1/rounds', { reason: 'new shelves' })
    const again = await admin('/v1/rounds', {})
    expect([wish.status, wish.json, again.json]).toEqual([202, { request: 1 }, { request: 2 }])
    expect(await shop.pipeline.documents.read('requests/round')).toMatchObject({
      value: { seq: 2, by: 'http:loopback' },
    })
  })

  it('counts requests by route and class, searches and pictures', async () => {
    await post('/v1/search', picture(0))
    await post('/v1/embed', 'words')
    const text = (await ask(`${running.admin}/metrics`)).bytes.toString()
    expect(text).toMatch(
      /http_request_seconds_count\{role="serve",route="\/v1\/search",status="2xx"\} \d/,
    )
    expect(text).toMatch(
      /http_request_seconds_count\{role="serve",route="\/v1\/embed",status="4xx"\} \d/,
    )
    expect(text).toMatch(/decode_total\{outcome="refused",reason="IMAGE_TYPE",role="serve"\} \d/)
    expect(text).toMatch(/contrastream_search_seconds_count\{role="serve"\} [1-9]/)
    expect(text).toContain('contrastream_queue_bytes{role="serve"} 0')
  })
})

describe('the door', () => {
  it('answers to its own names and to addresses, and to no other', async () => {
    const { port } = new URL(running.data)
    const statusFor = async (host: string) =>
      (await askRaw(`${running.data}/v1/limits`, { host })).status
    for (const host of [`127.0.0.1:${port}`, 'localhost', `[::1]:${port}`, '10.1.2.3']) {
      expect(await statusFor(host), host).toBe(200)
    }
    for (const host of ['evil.example', 'localhost.evil.example', 'localhost@evil']) {
      expect(await statusFor(host), host).toBeGreaterThanOrEqual(400)
    }
  })

  it('does not open where others can come and no token is there', async () => {
    const bare = await openShop({}, true)
    for (const http of [
      { host: '0.0.0.0' },
      { adminHost: '0.0.0.0' },
      { names: ['photos.example'] },
    ]) {
      const parts = partsOf(bare)
      const config = { ...parts.config, http: { ...parts.config.http, ...http } }
      await expect(startServer({ ...parts, config })).rejects.toMatchObject({
        code: 'CONFIG',
        message: expect.stringContaining('contrastream token create'),
      })
    }
    await bare.token('read', 0.000001)
    const parts = partsOf(bare)
    const config = { ...parts.config, http: { ...parts.config.http, host: '0.0.0.0' } }
    const later = { ...parts, config, now: () => Date.now() + 1_000 }
    await expect(startServer(later)).rejects.toMatchObject({ code: 'CONFIG' })
    await bare.close()
  })

  it('names the setting when an address cannot be had', async () => {
    const parts = partsOf(shop)
    const port = Number(new URL(running.data).port)
    for (const [key, http] of [
      ['port', { port }],
      ['adminPort', { adminPort: port }],
    ] as const) {
      const config = { ...parts.config, http: { ...parts.config.http, ...http } }
      await expect(startServer({ ...parts, config })).rejects.toMatchObject({
        code: 'CONFIG',
        message: expect.stringContaining(
          `http.${key}: expected to listen on 127.0.0.1 port ${port}`,
        ),
      })
    }
  })

  it('knows a new token at once, checks it where none is needed, and forgets one that ended', async () => {
    let time = Date.now()
    const guarded = await openShop({ http: { names: ['photos.example'] } }, true)
    const admin = await guarded.token('admin')
    const { server, data } = await startServer({ ...partsOf(guarded), now: () => time })
    const limits = (token: string) => ask(`${data}/v1/limits`, { token })
    expect((await limits(admin)).status).toBe(200)
    const short = await guarded.token('read', 1)
    await expect.poll(async () => (await limits(short)).status, { timeout: 5_000 }).toBe(200)
    time += 90_000_000
    expect((await limits(short)).status).toBe(401)
    await server.close({ drainMs: 0 })
    await guarded.close()
    const open = await ask(`${running.data}/v1/limits`, { token: 'cst_wrong' })
    expect(open.status).toBe(401)
  })
})

it('tells a fault of ours by its request id alone', async () => {
  const parts = partsOf(shop)
  const store = { ...parts.store, models: () => Promise.reject(new Error('no file /srv/secret')) }
  const { server, data } = await startServer({ ...parts, store })
  const { status, json, bytes } = await ask(`${data}/v1/models`)
  expect([status, json['code']]).toEqual([500, 'INTERNAL'])
  expect(bytes.toString()).not.toContain('secret')
  const line = shop.lines.findLast((one) => one.includes('/srv/secret'))
  expect(line).toContain(json['requestId'])
  await server.close({ drainMs: 0 })
})

describe('events', () => {
  /** Reads server-sent events until some text came. */
  async function until(response: Response, text: string): Promise<string> {
    let read = ''
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      read += new TextDecoder().decode(chunk)
      if (read.includes(text)) break
    }
    return read
  }

  it('go on behind the last one that was seen', async () => {
    const url = `${running.admin}/v1/events`
    const response = await fetch(url)
    const first = response.body?.getReader()
    await first?.read()
    shop.events.append({ event: 'round', round: 1 } as never)
    const seen = new TextDecoder().decode((await first?.read())?.value)
    await first?.cancel()
    expect(seen).toMatch(
      /^id: [0-9a-f]{8}-\d+\nevent: round\ndata: \{"event":"round","round":1\}\n\n$/,
    )
    const id = /id: (\S+)/.exec(seen)?.[1] as string
    shop.events.append({ event: 'stable', version: 'v3' } as never)
    const again = await fetch(url, { headers: { 'last-event-id': id } })
    const since = await until(again, 'stable')
    expect(since).not.toContain('"round":1')
    expect(since).not.toContain('event: gap')
  })

  it('end when the server does', async () => {
    const own = await startServer(partsOf(shop))
    const response = await fetch(`${own.admin}/v1/events`)
    const ended = until(response, 'never')
    await own.server.close({ drainMs: 0 })
    expect(await ended).toContain(': still here')
  })

  it('have so many followers and no more', async () => {
    const own = await startServer(partsOf(shop))
    const stop = new AbortController()
    const follow = () => fetch(`${own.admin}/v1/events`, { signal: stop.signal })
    const all = await Promise.all(Array.from({ length: 32 }, follow))
    expect(all.every(({ status }) => status === 200)).toBe(true)
    const more = await ask(`${own.admin}/v1/events`)
    expect(more.json).toMatchObject({ status: 429, code: 'BUSY', limit: 32 })
    stop.abort()
    const free = async () => {
      const response = await fetch(`${own.admin}/v1/events`)
      await response.body?.cancel()
      return response.status
    }
    await expect.poll(free, { timeout: 10_000 }).toBe(200)
    await own.server.close({ drainMs: 0 })
  })
})

it('is not ready while it drains, answers all the same, and ends what is under way', async () => {
  const own = await startServer(partsOf(shop))
  const ready = async () => (await ask(`${own.admin}/health/ready`)).status
  expect(await ready()).toBe(200)
  const closed = own.server.close({ drainMs: 3_000 })
  await expect.poll(ready, { timeout: 10_000 }).toBe(503)
  const body = picture(0)
  const late = await ask(`${own.data}/v1/embed`, { method: 'POST', body })
  expect(late.status).toBe(200)
  await closed
  await expect(ask(`${own.data}/v1/limits`)).rejects.toThrow()
})
