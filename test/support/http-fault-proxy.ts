import {
  Agent,
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
  type Server,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'

/** What goes wrong with one request. */
export type HttpFault =
  /** The proxy answers; the server never hears of it. */
  | { readonly is: 'answer'; readonly status: number; readonly code: string }
  /** The server does it; the proxy answers in its place. */
  | { readonly is: 'answer-after'; readonly status: number; readonly code: string }
  /** The connection breaks before the server hears of it. */
  | { readonly is: 'reset' }
  /** The server does it, and the connection breaks. */
  | { readonly is: 'lost-answer' }
  /** Nobody answers, ever; the server never hears of it. */
  | { readonly is: 'silence' }
  /** The server does it, and nobody answers, ever. */
  | { readonly is: 'silence-after' }
  /** The answer breaks off half-way through its body. */
  | { readonly is: 'cut-body' }
  /** Somebody on the way sends it twice; the second answer counts. */
  | { readonly is: 'twice' }
  /** The server hears of it only once `until` has resolved, and answers then. */
  | { readonly is: 'late'; readonly until: Promise<unknown> }
  /** The server sees another path and query. */
  | { readonly is: 'instead'; readonly path: string }
  /** The server does not see these headers. */
  | { readonly is: 'without'; readonly headers: readonly string[] }

/** A request as the proxy sees it. */
export interface SeenRequest {
  readonly method: string
  /** Path and query. */
  readonly path: string
  readonly headers: IncomingHttpHeaders
}

/** A server in front of another one, on which a test makes requests fail. */
export interface HttpFaultProxy {
  readonly url: string
  /** Every request so far. */
  readonly seen: readonly SeenRequest[]
  /** How many of them the proxy is done with, whatever that means for their senders. */
  readonly answered: number
  /** Asked about each request; undefined lets it pass. */
  plan: (request: SeenRequest) => HttpFault | undefined
  close(): Promise<void>
}

interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

/** Starts a proxy on a free loopback port. */
export async function httpFaultProxy(target: string): Promise<HttpFaultProxy> {
  const agent = new Agent({ keepAlive: true })
  const seen: SeenRequest[] = []
  const self = { plan: (() => undefined) as HttpFaultProxy['plan'], answered: 0 }
  const server = createServer((incoming, response) => {
    handle(incoming, response)
      .catch(() => response.destroy())
      .finally(() => {
        self.answered += 1
      })
  })

  async function handle(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = 'GET', url: path = '/', headers } = incoming
    const body = await bodyOf(incoming)
    const one: SeenRequest = { method, path, headers }
    seen.push(one)
    const fault = self.plan(one)
    const ask = (sent = headers, to = path) =>
      forward(new URL(to, target), { ...one, headers: sent }, body, agent)
    switch (fault?.is) {
      case undefined:
        return give(response, await ask())
      case 'answer':
        return give(response, errorAnswer(fault.status, fault.code))
      case 'answer-after':
        await ask()
        return give(response, errorAnswer(fault.status, fault.code))
      case 'reset':
        response.destroy()
        return
      case 'lost-answer':
        await ask()
        response.destroy()
        return
      case 'silence':
        return
      case 'silence-after':
        await ask()
        return
      case 'cut-body': {
        const answer = await ask()
        response.writeHead(answer.status, answer.headers)
        response.write(answer.body.subarray(0, answer.body.length >> 1), () => response.destroy())
        return
      }
      case 'twice':
        await ask()
        return give(response, await ask())
      case 'late':
        await fault.until
        return give(response, await ask())
      case 'instead':
        return give(response, await ask(headers, fault.path))
      case 'without':
        return give(
          response,
          await ask(
            Object.fromEntries(
              Object.entries(headers).filter(([name]) => !fault.headers.includes(name)),
            ),
          ),
        )
    }
  }

  await listening(server)
  return Object.assign(self, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    close: async () => {
      agent.destroy()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  })
}

function listening(server: Server): Promise<void> {
  return new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
}

async function bodyOf(message: IncomingMessage): Promise<Buffer> {
  return Buffer.concat(await message.toArray())
}

function forward(url: URL, one: SeenRequest, body: Buffer, agent: Agent): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = { ...one.headers }
    delete headers.expect // the body is here already
    const outgoing = request(url, { method: one.method, headers, agent }, (answer) => {
      const { statusCode: status = 502, headers: answered } = answer
      bodyOf(answer).then((answerBody) => {
        resolve({ status, headers: answered, body: answerBody })
      }, reject)
    })
    outgoing.once('error', reject)
    outgoing.end(body)
  })
}

function give(response: ServerResponse, { status, headers, body }: Answer): void {
  response.writeHead(status, headers)
  response.end(body)
}

/** An error as S3 words it. */
function errorAnswer(status: number, code: string): Answer {
  const body = Buffer.from(
    `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>a test</Message></Error>`,
  )
  return {
    status,
    headers: { 'content-type': 'application/xml', 'content-length': `${body.length}` },
    body,
  }
}
