import { randomUUID } from 'node:crypto'
import { createServer, type RequestListener, type Server, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { ConnectionError } from 'fastify'
import type { Config } from '../../config/schema.ts'
import { InputError } from '../../errors.ts'
import { boundedLine } from './bounded-line.ts'
import { problemOf, problemType } from './problem.ts'

const maxHeaderBytes = 16 * 1024
const maxConnections = 1_024
/** Longer than load balancers keep a connection, so that they are the ones to close it. */
const keepAliveMs = 72_000
/** A client that neither reads nor writes for so long is gone. */
const silenceMs = 120_000
/** Requests that a connection may have in line. */
const maxInLine = 16

/** Answers what never became a request: a head that is malformed, too large or too slow. */
export function refuseConnection(error: ConnectionError, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return
  const isSlow = error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
  const isLong = error.code === 'HPE_HEADER_OVERFLOW'
  const reason = isSlow ? { reason: 'timeout' } : {}
  const fault = new InputError(
    isSlow ? 'request: expected it whole in time, got a part' : 'request: expected HTTP/1.1',
    reason,
  )
  const problem = { ...problemOf(fault, randomUUID()), ...(isLong && { status: 431 }) }
  const body = JSON.stringify(problem)
  const head = [
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}`,
    `Content-Type: ${problemType}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    `X-Request-Id: ${problem.requestId}`,
    'Connection: close',
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
}

/** A server of Node, with limits on what a client may take its time for, and send at once. */
export function nodeServer(
  handler: RequestListener,
  { headerTimeout, bodyTimeout }: Pick<Config['http'], 'headerTimeout' | 'bodyTimeout'>,
): Server {
  const server = createServer(
    {
      headersTimeout: headerTimeout,
      requestTimeout: headerTimeout + bodyTimeout,
      connectionsCheckingInterval: Math.min(1_000, headerTimeout),
      keepAliveTimeout: keepAliveMs,
      maxHeaderSize: maxHeaderBytes,
    },
    boundedLine(handler, maxInLine),
  )
  server.maxConnections = maxConnections
  server.setTimeout(silenceMs)
  return server
}
