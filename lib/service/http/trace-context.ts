import type { FastifyRequest } from 'fastify'

/** A `traceparent` header as W3C Trace Context has it; ids of zeros name nothing. */
export const traceparentPattern: RegExp =
  /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/

/** The trace that a request is part of, for its log lines; empty if it names none. */
export function traceOf({ headers }: Pick<FastifyRequest, 'headers'>): { traceId?: string } {
  const { traceparent } = headers
  if (typeof traceparent !== 'string' || !traceparentPattern.test(traceparent)) return {}
  return { traceId: traceparent.slice(3, 35) }
}
