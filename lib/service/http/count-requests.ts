import type { FastifyInstance } from 'fastify'
import type { Admission, Ticket } from './admission.ts'
import type { HttpParts } from './parts.ts'
import { traceOf } from './trace-requests.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Of routes that need a scope. */
    ticket: Ticket
    /** Called when the answer is made: whatever the request held may go. */
    answered: (() => void) | undefined
  }
}

/**
 * Counts a request in, and out again when its answer is made and the client has it or is gone:
 * neither alone means that nothing is held for it any more.
 *
 * What needs no scope is small and always answered: an orchestrator must not take a busy process
 * for a dead one.
 */
export function countRequests(
  app: FastifyInstance,
  door: Admission,
  { metrics, log }: Pick<HttpParts, 'metrics' | 'log'>,
): void {
  app.decorateRequest('ticket')
  app.decorateRequest('answered')
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
      const { id: requestId, method } = request
      log.debug({ requestId, ...traceOf(request), method, route, statusCode, ms }, 'answered')
    })
    reply.header('x-request-id', request.id)
    if (request.routeOptions.config.scope === undefined) return
    ticket = door.enter()
    request.ticket = ticket
  })
  app.addHook('onSend', async (request) => request.answered?.())
}
