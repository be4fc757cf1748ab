import { randomUUID } from 'node:crypto'
import type { RequestListener, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { BusyError } from '../../errors.ts'
import { problemOf, problemType, retryAfter } from './problem.ts'

/** Requests that one connection has sent and that are not answered yet. */
interface Line {
  waiting: number
}

/** What tells the parser that the rest of the bytes is another protocol's, and not for it. */
const notOurs = 2

/**
 * Lets a connection say no more: what else it has sent is dropped unread.
 *
 * Node would parse it all the same, and end every request in it with an error of its own once the
 * connection closes, which costs far more than the refusal. It has no public way to stop within a
 * packet; where `onIncoming` is gone one day, this costs what it did, and nothing else changes.
 */
function silence(socket: Socket & { readonly parser?: { onIncoming: () => number } }): void {
  if (socket.parser) socket.parser.onIncoming = () => notOurs
  socket.removeAllListeners('data')
  // Read on: closed with bytes unread, it would be reset, and the answers lost.
  socket.on('data', () => undefined)
}

function refuse(response: ServerResponse, limit: number): void {
  const fault = new BusyError(
    `connection: expected at most ${limit} requests in line, got ${limit + 1}`,
    { reason: 'requests', retryable: true, limit, got: limit + 1 },
  )
  const problem = problemOf(fault, randomUUID())
  response.writeHead(problem.status, {
    'content-type': problemType,
    'retry-after': String(retryAfter(problem.status)),
    'x-request-id': problem.requestId,
    connection: 'close',
  })
  response.end(JSON.stringify(problem))
}

/**
 * Bounds what one connection can have us do: pipelined requests cost a client nothing, and all
 * that one packet holds begin at once.
 *
 * Beyond `limit` unanswered ones, the next is refused and ends the connection.
 */
export function boundedLine(handler: RequestListener, limit: number): RequestListener {
  const lines = new WeakMap<Socket, Line>()
  return (request, response) => {
    const { socket } = request
    const line = lines.get(socket) ?? { waiting: 0 }
    lines.set(socket, line)
    if (line.waiting >= limit) {
      silence(socket)
      refuse(response, limit)
      return
    }
    line.waiting += 1
    response.once('close', () => {
      line.waiting -= 1
    })
    handler(request, response)
  }
}
