import { randomUUID } from 'node:crypto'
import type { RequestListener, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { BusyError } from '../../errors.ts'
import { problemOf, problemType, retryAfter } from './problem.ts'

/** Requests that one connection has sent and that are not answered yet. */
interface Line {
  waiting: number
  /** It was told that there are too many: what else it has sent is not even looked at. */
  isShut: boolean
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
    const line = lines.get(socket) ?? { waiting: 0, isShut: false }
    lines.set(socket, line)
    if (line.isShut) return
    if (line.waiting >= limit) {
      line.isShut = true
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
