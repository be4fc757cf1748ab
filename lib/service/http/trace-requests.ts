import { type Span, SpanKind, SpanStatusCode } from '@opentelemetry/api'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { contextOf, traceparentOf, traceparentPattern, tracer } from '../tracing.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Of routes that need a scope. */
    span: Span | undefined
  }
}

/** The header of a request, or nothing if it is none. */
function given({ headers }: FastifyRequest): string | undefined {
  const { traceparent } = headers
  return typeof traceparent === 'string' && traceparentPattern.test(traceparent)
    ? traceparent
    : undefined
}

/** The trace that follows from a request: its own span's, or the one that its sender is in. */
export const traceparentFor = (request: FastifyRequest): string | undefined =>
  (request.span && traceparentOf(request.span)) ?? given(request)

/** The trace that a request is part of, for its log lines; empty if there is none. */
export function traceOf(request: FastifyRequest): { traceId?: string } {
  const traceparent = traceparentFor(request)
  return traceparent === undefined ? {} : { traceId: traceparent.slice(3, 35) }
}

/** Makes a span of each request, within the sender's trace; probes and metrics have none. */
export function traceRequests(app: FastifyInstance): void {
  app.decorateRequest('span')
  app.addHook('onRequest', async (request, reply) => {
    const { config, url: route = 'none' } = request.routeOptions
    if (config.scope === undefined) return
    const attributes = { 'http.request.method': request.method, 'http.route': route }
    const options = { kind: SpanKind.SERVER, attributes }
    const span = tracer().startSpan(
      `${request.method} ${route}`,
      options,
      contextOf(given(request)),
    )
    request.span = span
    reply.raw.once('close', () => {
      const { statusCode } = reply
      span.setAttribute('http.response.status_code', statusCode)
      if (statusCode >= 500) span.setStatus({ code: SpanStatusCode.ERROR })
      span.end()
    })
  })
}
