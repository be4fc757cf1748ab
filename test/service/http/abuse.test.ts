import { connect, type Socket } from 'node:net'
import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { problemSchema } from '../../../lib/service/http/problem.ts'
import { openMetrics } from '../../../lib/service/metrics.ts'
import { ask, openShop, partsOf, type Running, type Shop, startServer } from './support.ts'

let shop: Shop
let running: Running
/** A server that waits for nobody. */
let impatient: Running
beforeAll(async () => {
  shop = await openShop()
  running = await startServer(partsOf(shop))
  const parts = partsOf(shop)
  const http = { ...parts.config.http, headerTimeout: 500, bodyTimeout: 500 }
  const config = { ...parts.config, http }
  impatient = await startServer({ ...parts, config, metrics: openMetrics('serve') })
})
afterAll(async () => {
  await Promise.all([running, impatient].map(({ server }) => server.close({ drainMs: 0 })))
  await shop.close()
})
/** Time that a busy machine may take for what is done at once otherwise. */
const patience = { timeout: 30_000 }

const sockets: Socket[] = []
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy()
})

/** A connection to the data port, and everything that came back on it. */
function dial(at: Running = running): {
  socket: Socket
  received: () => string
  closed: Promise<void>
} {
  const socket = connect(Number(new URL(at.data).port), '127.0.0.1')
  sockets.push(socket)
  let text = ''
  socket.on('data', (chunk) => (text += chunk.toString('latin1')))
  socket.on('error', () => undefined)
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  return { socket, received: () => text, closed }
}

const statusesIn = (text: string) =>
  [...text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => Number(status))
const problemIn = (text: string) => problemSchema.parse(JSON.parse(text.slice(text.indexOf('{'))))
const limits = () => ask(`${running.data}/v1/limits`)
const head = (path: string, ...more: string[]) =>
  [`POST ${path} HTTP/1.1`, 'Host: localhost', ...more].join('\r\n')

/** Somebody else asks so many times, and is answered each time. */
async function othersAreServed(times: number): Promise<void> {
  for (let i = 0; i < times; i += 1) expect((await limits()).status).toBe(200)
}

/** Bytes of bodies that a server holds. */
async function held({ admin }: Running): Promise<number> {
  const text = (await ask(`${admin}/metrics`)).bytes.toString()
  return Number(/queue_bytes\{role="serve"\} (\d+)/.exec(text)?.[1])
}

describe('who is slow', () => {
  it('with a head is told so and cut off', async () => {
    const { socket, received, closed } = dial(impatient)
    socket.write('GET /v1/limits HTTP/1.1\r\nHost: local')
    await closed
    expect(statusesIn(received())).toEqual([408])
    expect(problemIn(received())).toMatchObject({ code: 'INPUT', reason: 'timeout' })
  })

  it('with a body is cut off, and what it held is free', async () => {
    const { socket, closed } = dial(impatient)
    socket.write(`${head('/v1/images', 'Content-Length: 50000')}\r\n\r\n${'x'.repeat(10_000)}`)
    await closed
    await expect.poll(() => held(impatient), patience).toBe(0)
  })

  it('a hundred times at once keeps nobody else from being served', async () => {
    const dripping = Array.from({ length: 100 }, () => dial())
    for (const { socket } of dripping) socket.write('GET /v1/limits HTTP/1.1\r\nHost: local')
    await othersAreServed(10)
    expect(dripping.every(({ socket }) => !socket.destroyed)).toBe(true)
  })

  it('and goes away gives back what was held for it', async () => {
    const uploading = Array.from({ length: 20 }, () => dial())
    for (const { socket } of uploading) {
      socket.write(`${head('/v1/images', 'Content-Length: 50000')}\r\n\r\n${'x'.repeat(10_000)}`)
    }
    await expect.poll(() => held(running), patience).toBe(200_000)
    for (const { socket } of uploading) socket.destroy()
    await expect.poll(() => held(running), patience).toBe(0)
  })
})

describe('who sends too much', () => {
  it('is refused by what is declared, before it is sent', async () => {
    const { socket, received } = dial()
    socket.write(`${head('/v1/images', 'Content-Length: 99999999')}\r\n\r\n`)
    await expect.poll(received, patience).toContain('}')
    expect(problemIn(received())).toMatchObject({ status: 413, limit: 65_536, got: 99_999_999 })
  })

  it('is refused when it comes, if nothing was declared', async () => {
    const { socket, received } = dial()
    socket.write(`${head('/v1/images', 'Transfer-Encoding: chunked')}\r\n\r\n`)
    const chunk = `4000\r\n${'x'.repeat(0x4000)}\r\n`
    for (let i = 0; i < 5; i += 1) socket.write(chunk)
    await expect.poll(received, patience).toContain('}')
    expect(problemIn(received())).toMatchObject({ status: 413, reason: 'bytes', limit: 65_536 })
  })

  it('is refused while bodies fill the memory that there is, until they are gone', async () => {
    const filling = Array.from({ length: 14 }, () => dial())
    for (const { socket } of filling) {
      socket.write(`${head('/v1/images', 'Content-Length: 65536')}\r\n\r\n${'x'.repeat(65_000)}`)
    }
    const send = () => ask(`${running.data}/v1/images`, { method: 'POST', body: 'words' })
    await expect.poll(async () => (await send()).status, patience).toBe(429)
    const refused = await send()
    expect(refused.json).toMatchObject({ code: 'BUSY', reason: 'queue', limit: 2 ** 20 })
    expect(refused.headers.get('retry-after')).toBe('1')
    for (const { socket } of filling) socket.destroy()
    await expect.poll(async () => (await send()).status, patience).toBe(415)
  })

  it('has a head of bounded length', async () => {
    const { socket, received } = dial()
    socket.write(`GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`)
    await expect.poll(received, patience).toContain('}')
    expect(statusesIn(received())).toEqual([431])
  })

  it('in one line of requests gets some answers, one refusal and no more', async () => {
    const { socket, received, closed } = dial()
    socket.write('GET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(2_000))
    await othersAreServed(5)
    await closed
    const statuses = statusesIn(received())
    expect(statuses.filter((status) => status !== 429)).toEqual(
      Array.from({ length: 16 }, () => 200),
    )
    expect(statuses.length).toBeLessThan(30)
    expect(received()).toContain('"reason":"requests","limit":16')
  })
})

describe('who sends nonsense', () => {
  it.each([
    ['no HTTP', 'hello\r\n\r\n', 400],
    ['no Host', 'GET /v1/limits HTTP/1.1\r\n\r\n', 400],
    [
      'two lengths',
      `${head('/v1/images', 'Content-Length: 1', 'Content-Length: 2')}\r\n\r\nx`,
      400,
    ],
    [
      'length and chunks',
      `${head('/v1/images', 'Content-Length: 1', 'Transfer-Encoding: chunked')}\r\n\r\n0\r\n\r\n`,
      400,
    ],
    ['a path that is none', 'GET /v1/images/%ff HTTP/1.1\r\nHost: localhost\r\n\r\n', 400],
    ['a path that climbs', 'GET /../../etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n', 404],
    ['another method', 'BREW /v1/limits HTTP/1.1\r\nHost: localhost\r\n\r\n', 400],
  ])('as %s is told so', async (_, text, status) => {
    const { socket, received } = dial()
    socket.write(text)
    await expect.poll(received, patience).toMatch(/HTTP\/1\.1 \d{3}/)
    expect(statusesIn(received())[0]).toBe(status)
  })

  it('and goes away in the middle leaves no trace', async () => {
    const before = shop.lines.filter((line) => line.includes('"level":"error"')).length
    for (let i = 0; i < 20; i += 1) {
      const { socket } = dial()
      socket.write(`${head('/v1/embed', 'Content-Length: 5000')}\r\n\r\n${'x'.repeat(100)}`)
      await new Promise((resolve) => setImmediate(resolve))
      socket.destroy()
    }
    await expect.poll(() => held(running), patience).toBe(0)
    expect(shop.lines.filter((line) => line.includes('"level":"error"')).length).toBe(before)
  })

  const type = fc.constantFrom(
    '',
    'application/json',
    'image/png',
    'multipart/form-data',
    'multipart/form-data; boundary=b',
    'text/plain',
    'application/x-www-form-urlencoded',
  )
  const form = fc
    .uint8Array({ maxLength: 400 })
    .map((bytes) =>
      Buffer.concat([
        Buffer.from('--b\r\nContent-Disposition: form-data; name="p"; filename="p"\r\n\r\n'),
        bytes,
        Buffer.from('\r\n--b--'),
      ]),
    )
  const mutated = fc
    .tuple(fc.nat(5), fc.array(fc.tuple(fc.nat(2_000), fc.nat(255)), { maxLength: 5 }))
    .map(([i, flips]) => {
      const bytes = Buffer.from(shop.pictures[i] as Uint8Array)
      for (const [at, value] of flips) bytes[at % bytes.length] = value
      return bytes
    })
  const body = fc.oneof(
    fc.uint8Array({ maxLength: 2_000 }).map((bytes) => Buffer.from(bytes)),
    fc.json().map((text) => Buffer.from(text)),
    form,
    mutated,
  )
  const path = fc.constantFrom(
    '/v1/images',
    '/v1/embed',
    '/v1/search',
    '/v1/search?k=1e9',
    '/v1/search?release=x',
  )

  it('as bodies of any kind always gets an answer that is documented', {
    timeout: 120_000,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(path, type, body, async (at, contentType, bytes) => {
        const headers: Record<string, string> =
          contentType === '' ? {} : { 'content-type': contentType }
        const answer = await ask(`${running.data}${at}`, { method: 'POST', body: bytes, headers })
        expect([200, 202, 400, 409, 413, 415, 422]).toContain(answer.status)
        if (answer.status >= 400) problemSchema.parse(answer.json)
      }),
      { numRuns: 300, seed: 1 },
    )
    expect((await limits()).status).toBe(200)
  })
})
