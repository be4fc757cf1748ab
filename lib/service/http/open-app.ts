import { randomUUID } from 'node:crypto'
import { createServer, type RequestListener, type Server, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import helmet from '@fastify/helmet'
import multipart from '@fastify/multipart'
import rateLimit from '@fastify/rate-limit'
import swagger from '@fastify/swagger'
import { type ConnectionError, type FastifyInstance, fastify, LogController } from 'fastify'
import { BusyError, InputError, MissingError } from '../../errors.ts'
import { programVersion } from '../program-version.ts'
import type { Admission, Ticket } from './admission.ts'
import { authenticate, type DoorRules } from './authenticate.ts'
import { boundedLine } from './bounded-line.ts'
import type { HttpParts } from './parts.ts'
import { problemOf, problemType, retryAfter } from './problem.ts'
import { describeRoute, type HttpApp, zodValidator } from './zod-types.ts'

declare module 'fastify' {
  interface FastifyRequest {
    ticket: Ticket
    /** Called when the answer is made: whatever the request held may go. */
    answered: (() => void) | undefined
  }
}

/** JSON bodies are vectors and wishes; pictures have a limit of their own. */
const maxJsonBytes = 256 * 1024
const maxHeaderBytes = 16 * 1024
const maxConnections = 1_024
/** Longer than load balancers keep a connection, so that they are the ones to close it. */
const keepAliveMs = 72_000
/** A client that neither reads nor writes for so long is gone. */
const silenceMs = 120_000
/** Requests that a connection may have in line. */
const maxInLine = 16

/** Ids of others are taken if they are harmless in a log. */
const requestId = (given: string | string[] | undefined): string =>
  typeof given === 'string' && /^[A-Za-z0-9._-]{1,64}$/.test(given) ? given : randomUUID()

/** Answers what never became a request: a head that is malformed, too large or too slow. */
function refuseConnection(error: ConnectionError, socket: Socket): void {
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

/** A server of Node, with limits on what a client may take its time for. */
function openServer(handler: RequestListener, { config }: HttpParts): Server {
  const { headerTimeout, bodyTimeout } = config.http
  const server = createServer(
    {
      headersTimeout: headerTimeout,
      requestTimeout: headerTimeout + bodyTimeout,
      connectionsCheckingInterval: Math.min(1_000, headerTimeout),
      keepAliveTimeout: keepAliveMs,
      maxHeaderSize: maxHeaderBytes,
    },
    handler,
  )
  server.maxConnections = maxConnections
  server.setTimeout(silenceMs)
  return server
}

/** Counts a request in, and out again when its answer is made and the client has it. */
function keepCount(app: FastifyInstance, door: Admission, { metrics, log }: HttpParts): void {
  app.addHook('onRequest', async (request, reply) => {
    const begun = performance.now()
    const done = { answered: false, closed: false }
    let ticket: Ticket | undefined
    const leave = () => {
      if (done.answered && (done.closed || request.routeOptions.config.isEndless)) ticket?.leave()
    }
    request.answered = () => {
      done.answered = true
      leave()
    }
    reply.raw.once('close', () => {
      done.closed = true
      leave()
      const ms = performance.now() - begun
      const { statusCode } = reply
      const route = request.routeOptions.url ?? 'none'
      const status = `${Math.floor(statusCode / 100)}xx`
      metrics.observe('http_request_seconds', { route, status }, ms / 1000)
      const told = { requestId: request.id, method: request.method, route, statusCode, ms }
      log.debug(told, 'answered')
    })
    reply.header('x-request-id', request.id)
    ticket = door.enter()
    request.ticket = ticket
  })
  app.addHook('onSend', async (request) => request.answered?.())
}

function nameRelease(app: FastifyInstance, { releases }: HttpParts): void {
  app.addHook('onSend', async (_, reply) => {
    const { current } = releases
    if (current === undefined || reply.hasHeader('x-contrastream-model')) return
    reply.headers(stampHeaders(current))
  })
}

/** Headers that say what an answer was made with. */
export function stampHeaders(release: {
  readonly version: string
  readonly preprocessingHash: string
  readonly generation: string | undefined
}): Readonly<Record<string, string>> {
  return {
    'x-contrastream-model': release.version,
    'x-contrastream-preprocessing': release.preprocessingHash,
    ...(release.generation !== undefined && { 'x-contrastream-generation': release.generation }),
  }
}

function answerErrors(app: FastifyInstance): void {
  app.setErrorHandler((error, request, reply) => {
    const problem = problemOf(error, request.id)
    const { status } = problem
    if (status >= 500) request.log.error({ err: error, requestId: request.id }, problem.title)
    const seconds = retryAfter(status)
    if (seconds !== undefined && !reply.hasHeader('retry-after')) {
      reply.header('retry-after', seconds)
    }
    if (status === 401) reply.header('www-authenticate', 'Bearer')
    return reply.code(status).type(problemType).send(problem)
  })
  app.setNotFoundHandler((request) => {
    throw new MissingError(`${request.method} ${request.url.slice(0, 200)}: expected a known route`)
  })
}

/**
 * A server without routes: who may come in, how much, how errors are answered, what each answer
 * says of itself.
 */
export async function openApp(
  parts: HttpParts,
  door: Admission,
  rules: DoorRules,
): Promise<HttpApp> {
  const { rate } = parts.config.http
  const app = fastify({
    loggerInstance: parts.log,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: ({ headers }) => requestId(headers['x-request-id']),
    bodyLimit: maxJsonBytes,
    serverFactory: (handler) => openServer(boundedLine(handler, maxInLine), parts),
    routerOptions: { maxParamLength: 200 },
    exposeHeadRoutes: false,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    clientErrorHandler: refuseConnection,
  })
  app.removeContentTypeParser('text/plain')
  app.setValidatorCompiler(zodValidator as never)
  app.setSerializerCompiler(() => JSON.stringify)
  app.decorateRequest('grant', undefined)
  app.decorateRequest('ticket')
  app.decorateRequest('answered')
  answerErrors(app)
  keepCount(app, door, parts)
  nameRelease(app, parts)
  app.addHook('onRequest', (request) => authenticate(request, rules))
  await app.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        'default-src': ["'self'"],
        'base-uri': ["'none'"],
        'form-action': ["'self'"],
        'frame-ancestors': ["'self'"],
        'object-src': ["'none'"],
      },
    },
    // TLS is a proxy's part, and so is the promise of it.
    strictTransportSecurity: false,
  })
  await app.register(rateLimit, {
    max: rate,
    timeWindow: 60_000,
    hook: 'preParsing',
    keyGenerator: ({ grant }) => grant?.id ?? '',
    allowList: ({ grant }) => grant === undefined,
    errorResponseBuilder: (_, { max }) =>
      new BusyError(`token: expected at most ${max} requests a minute, got more`, {
        reason: 'rate',
        retryable: true,
        limit: max,
      }),
  })
  await app.register(multipart, { throwFileSizeLimit: true })
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'contrastream', version: programVersion },
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
      security: [{ token: [] }],
    },
    transform: describeRoute as never,
  })
  return app.withTypeProvider() as unknown as HttpApp
}
