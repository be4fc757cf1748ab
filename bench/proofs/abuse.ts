import { connect, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { checkConfig } from '../../lib/config/load.ts'
import { openPipeline } from '../../lib/service/open-pipeline.ts'
import { createToken } from '../../lib/service/tokens.ts'
import { continuousLoad, p99 } from './live-load.ts'
import { type LiveService, liveService, newPicture, until } from './live-service.ts'
import type { Proof } from './proof.ts'

/** One kind of abuse: goes on until the signal; answers the statuses that it was given. */
type Abuse = (service: LiveService, signal: AbortSignal) => Promise<readonly number[]>

const together = 64

/** A connection to the data port that is held open; its answer's status when it is closed. */
function dial(service: LiveService, text: string): { socket: Socket; status: Promise<number> } {
  const socket = connect(Number(new URL(service.address('data')).port), '127.0.0.1')
  let received = ''
  socket.on('data', (chunk) => {
    received += chunk.toString('latin1')
  })
  socket.on('error', () => undefined)
  socket.write(text)
  const status = new Promise<number>((resolve) => {
    socket.once('close', () => resolve(Number(/^HTTP\/1\.1 (\d{3})/.exec(received)?.[1] ?? 0)))
  })
  return { socket, status }
}

/** Asks over and over, side by side. */
async function repeat(signal: AbortSignal, ask: () => Promise<number>, lanes = 4) {
  const statuses: number[] = []
  const lane = async (): Promise<void> => {
    while (!signal.aborted) {
      statuses.push(await ask().catch(() => 0))
      await delay(20)
    }
  }
  await Promise.all(Array.from({ length: lanes }, lane))
  return statuses
}

const asked = async (url: string, init: RequestInit = {}): Promise<number> => {
  const response = await fetch(url, init)
  await response.arrayBuffer()
  return response.status
}

const head = (path: string, ...more: string[]): string =>
  [`POST ${path} HTTP/1.1`, 'Host: localhost', ...more].join('\r\n')

/** Heads that never end: cut off after `http.headerTimeout`. */
const slowLoris: Abuse = async (service, signal) => {
  const statuses: number[] = []
  while (!signal.aborted) {
    const open = Array.from({ length: together }, () => dial(service, head('/v1/images', 'X: ')))
    const dripping = setInterval(() => {
      for (const { socket } of open) if (socket.writable) socket.write('x')
    }, 500)
    statuses.push(...(await Promise.all(open.map(({ status }) => status))))
    clearInterval(dripping)
  }
  return statuses
}

const malformed: Abuse = (service, signal) =>
  repeat(signal, () => dial(service, 'nonsense\r\n\r\n').status)

const oversized: Abuse = (service, signal) =>
  repeat(signal, async () => {
    const { socket, status } = dial(
      service,
      `${head('/v1/images', 'Content-Length: 99999999', 'Connection: close')}\r\n\r\n`,
    )
    const answer = await Promise.race([status, delay(5_000).then(() => 0)])
    socket.destroy()
    return answer
  })

const unauthenticated: Abuse = (service, signal) =>
  repeat(signal, () =>
    asked(`${service.address('data')}/v1/models`, { headers: { authorization: 'Bearer wrong' } }),
  )

/** A token that may read, used to write. */
const wrongScope: Abuse = async (service, signal) => {
  const pipeline = await openPipeline(checkConfig({ data: service.data }))
  const { secret } = await createToken(pipeline.documents, 'read', { now: Date.now() })
  await pipeline.close()
  const headers = { authorization: `Bearer ${secret}`, 'content-type': 'image/png' }
  const url = `${service.address('data')}/v1/images`
  const write = () => asked(url, { method: 'POST', headers, body: 'x' })
  await until(async () => (await write()) !== 401) // a new token is known within 30 s
  return repeat(signal, write)
}

/** Two thousand requests in one packet. */
const flood: Abuse = (service, signal) =>
  repeat(
    signal,
    async () => {
      const line = 'GET /v1/limits HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(2_000)
      return (await dial(service, line).status) === 200 ? 429 : 0 // some answers, a refusal, the end
    },
    1,
  )

const abuses: readonly (readonly [string, Abuse, readonly number[]])[] = [
  ['slow loris', slowLoris, [408]],
  ['malformed', malformed, [400]],
  ['oversized', oversized, [413]],
  ['unauthenticated', unauthenticated, [401]],
  ['wrong scope', wrongScope, [403]],
  ['flood', flood, [429]],
]

/**
 * Abuse of the data port, one kind after another, beside requests that are in order.
 * Arguments: seconds of each (default 20).
 */
export const abuse: Proof = async ([seconds = '20']) => {
  const service = await liveService(['http.headerTimeout=2s'])
  try {
    const pictures = await Promise.all(Array.from({ length: 8 }, (_, i) => newPicture(i)))
    const load = continuousLoad(service, pictures)
    await delay(2_000) // the first of all are slow
    const slice = async (work: () => Promise<unknown>) => {
      const from = load.answers.length
      await work()
      return load.answers.slice(from)
    }
    const forMs = Number(seconds) * 1_000
    const lines: string[] = []
    let holds = true
    for (const [name, kind, expected] of abuses) {
      // Right before, so that what else the machine does weighs on both.
      const before = p99(await slice(() => delay(forMs)))
      const statuses: number[] = []
      const others = await slice(async () => {
        statuses.push(...(await kind(service, AbortSignal.timeout(forMs))))
      })
      const during = p99(others)
      const failed = others.filter(({ status }) => status !== 200).length
      const wrong = statuses.filter((status) => !expected.includes(status)).length
      lines.push(
        `${name}: ${statuses.length} refused with ${expected.join(' or ')}, otherwise ${wrong} · others: failed ${failed}, p99 ${before.toFixed(0)} → ${during.toFixed(0)} ms, ${(during / before).toFixed(2)} ×, at most 2 ×`,
      )
      holds &&= wrong === 0 && failed === 0 && statuses.length > 0 && during <= 2 * before
    }
    await load.stop()
    return { lines, holds }
  } finally {
    await service.stop()
    service.remove()
  }
}
