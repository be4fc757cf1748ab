import { z } from 'zod'
import { type ErrorCode, errorCodes, PipelineError } from '../../errors.ts'

/** How a refusal or a failure is answered: `application/problem+json` (RFC 9457). */
export interface Problem {
  readonly title: string
  readonly status: number
  readonly detail: string
  /** Closed words: programs match on them. `INTERNAL` is a fault of ours. */
  readonly code: ErrorCode | 'INTERNAL'
  /** Why, in one word, where a code covers several causes. */
  readonly reason?: string
  readonly limit?: number
  readonly got?: number
  readonly requestId: string
}

/** Media type of problems. */
export const problemType = 'application/problem+json; charset=utf-8'

/** Schema of {@link Problem}. */
export const problemSchema: z.ZodType<Problem> = z
  .object({
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.enum([...errorCodes, 'INTERNAL']),
    reason: z.string().exactOptional(),
    limit: z.number().exactOptional(),
    got: z.number().exactOptional(),
    requestId: z.string(),
  })
  .meta({ description: 'What was expected and what arrived' })

/** Status of each code; where its reason tells more, of code and reason. */
const statuses: Readonly<Record<ErrorCode, number>> & Readonly<Record<string, number>> = {
  INPUT: 400,
  'INPUT/bytes': 413,
  'INPUT/timeout': 408,
  SHAPE: 400,
  AUTH: 403,
  'AUTH/token': 401,
  MISSING: 404,
  CONFLICT: 409,
  VERSION_MISMATCH: 409,
  ERASED: 410,
  IMAGE_SIZE: 413,
  IMAGE_TYPE: 415,
  IMAGE_DECODE: 422,
  BUSY: 503,
  'BUSY/queue': 429,
  'BUSY/rate': 429,
  'BUSY/requests': 429,
  ENGINE: 503,
  STREAM: 503,
  STORE: 503,
  LEASE_LOST: 503,
  CONFIG: 500,
  REGISTRY: 500,
  ARTIFACT: 500,
  CHECKPOINT: 500,
}

const titles: Readonly<Record<number, string>> = {
  400: 'Malformed request',
  401: 'No valid token',
  403: 'Not allowed',
  404: 'Not found',
  408: 'Too slow',
  409: 'Conflict',
  410: 'Erased',
  413: 'Too large or too small',
  415: 'Not a picture that is taken',
  422: 'Not decodable',
  429: 'Too many requests',
  500: 'Internal error',
  503: 'Not available now',
}

/** Seconds after which a refused request may be tried again. */
export function retryAfter(status: number): number | undefined {
  if (status === 429) return 1
  return status === 503 ? 5 : undefined
}

/** What Fastify and its plugins refuse by themselves, as far as a client is to blame. */
interface ForeignRefusal {
  readonly statusCode: number
  readonly message: string
}

const isForeignRefusal = (error: unknown): error is ForeignRefusal => {
  const { statusCode } = (error ?? {}) as { readonly statusCode?: unknown }
  return typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500
}

function problem(status: number, rest: Omit<Problem, 'status' | 'title'>): Problem {
  return { title: titles[status] ?? 'Error', status, ...rest }
}

/** In place of a message; what fails for all who ask is not logged for each of them. */
const hidden = (status: number): string =>
  status === 503 ? 'the log says why' : 'the log says why, beside this request id'

/**
 * What a client is told of an error.
 *
 * Of faults of ours it is told the code alone: their messages may name paths and hosts, and stand
 * in the log.
 */
export function problemOf(error: unknown, requestId: string): Problem {
  if (error instanceof PipelineError) {
    const { code, reason, limit, got } = error
    const status = statuses[`${code}/${reason}`] ?? statuses[code]
    const isOurs = status >= 500 && code !== 'BUSY'
    return problem(status, {
      detail: isOurs ? hidden(status) : error.message,
      code,
      ...(reason !== undefined && { reason }),
      ...(limit !== undefined && { limit }),
      ...(got !== undefined && { got }),
      requestId,
    })
  }
  if (isForeignRefusal(error)) {
    const { statusCode, message } = error
    const isSize = statusCode === 413
    return problem(isSize ? 413 : 400, {
      detail: message,
      code: 'INPUT',
      ...(isSize && { reason: 'bytes' }),
      requestId,
    })
  }
  return problem(500, {
    detail: hidden(500),
    code: 'INTERNAL',
    requestId,
  })
}
