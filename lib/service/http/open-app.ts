import { randomUUID } from 'node:crypto'
import helmet from '@fastify/helmet'
import multipart from '@fastify/multipart'
import rateLimit from '@fastify/rate-limit'
import swagger from '@fastify/swagger'
import { type FastifyInstance, type FastifyRequest, fastify, LogController } from 'fastify'
import { BusyError, MissingError } from '../../errors.ts'
import { programVersion } from '../program-version.ts'
import type { Admission } from './admission.ts'
import { authenticate, type DoorRules } from './authenticate.ts'
import { countRequests } from './count-requests.ts'
import { nodeServer, refuseConnection } from './node-server.ts'
import type { HttpParts } from './parts.ts'
import { type Problem, problemOf, problemType, retryAfter } from './problem.ts'
import { seldom } from './seldom.ts'
import { stampHeaders } from './stamp-headers.ts'
import { traceOf, traceRequests } from './trace-requests.ts'
import { describeRoute, type HttpApp, zodValidator } from './zod-types.ts'

/** JSON bodies are vectors and wishes; pictures have a limit of their own. */
const maxJsonBytes = 256 * 1024

/** Ids of others are taken if they are harmless in a log. */
const requestId = (given: string | string[] | undefined): string =>
  typeof given === 'string' && /^[A-Za-z0-9._-]{1,64}$/.test(given) ? given : randomUUID()

/** What every server needs, whatever its routes. */
export type AppParts = Pick<HttpParts, 'config' | 'log' | 'metrics' | 'releases'>

function nameRelease(app: FastifyInstance, { releases }: AppParts): void {
  app.addHook('onSend', async (_, reply) => {
    const { current } = releases
    if (current === undefined || reply.hasHeader('x-contrastream-model')) return
    reply.headers(stampHeaders(current))
  })
}

/** Why a service takes nothing in until somebody makes room. */
const full: readonly (string | undefined)[] = ['disk-full', 'log-full']

/**
 * Logs what a service cannot do. What it stands on may be out of order for hours, and each request
 * meets that: then once a minute, with the number of those that it was not told of.
 */
function logFaults() {
  const isTold = seldom(() => performance.now())
  return (error: unknown, { code, reason, status, title }: Problem, request: FastifyRequest) => {
    if (status < 500 || (code === 'BUSY' && !full.includes(reason))) return
    const passedOver = status === 503 ? isTold(`${code}/${reason}`) : 0
    if (passedOver === undefined) return
    const named = { err: error, requestId: request.id, ...traceOf(request) }
    request.log.error({ ...named, ...(passedOver > 0 && { passedOver }) }, title)
  }
}

function answerErrors(app: FastifyInstance): void {
  const log = logFaults()
  app.setErrorHandler((error, request, reply) => {
    const problem = problemOf(error, request.id)
    const { status } = problem
    log(error, problem, request)
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
  parts: AppParts,
  door: Admission,
  rules: DoorRules,
): Promise<HttpApp> {
  const { rate } = parts.config.http
  const app = fastify({
    loggerInstance: parts.log,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: ({ headers }) => requestId(headers['x-request-id']),
    bodyLimit: maxJsonBytes,
    serverFactory: (handler) => nodeServer(handler, parts.config.http),
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
  answerErrors(app)
  traceRequests(app)
  countRequests(app, door, parts)
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
