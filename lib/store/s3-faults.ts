import { StoreError } from '../errors.ts'

/** What an answer that is no success means to an adapter. */
export type S3Answer =
  /** 304: the object still has the tag that was named. */
  | 'unchanged'
  /** 404: there is no such object. */
  | 'absent'
  /** 412: the condition does not hold, nothing is stored. */
  | 'refused'
  /** 409: another request on the object is in flight, nothing is stored. */
  | 'conflict'
  /** No answer, half an answer or a 5xx: what was asked may have been done. */
  | 'unknown'
  /** Asking again does not help. */
  | 'failed'

interface Rule {
  readonly reason: string
  readonly retryable: boolean
  readonly remedy: string
}

const credentials: Rule = {
  reason: 'credentials',
  retryable: false,
  remedy: 'give valid credentials in the environment, a profile or the role of the machine',
}
const region: Rule = {
  reason: 'region',
  retryable: false,
  remedy: "set store.s3.region to the bucket's",
}
const full: Rule = { reason: 'disk-full', retryable: true, remedy: 'make room on the server' }
const noBucket: Rule = {
  reason: 'no-bucket',
  retryable: false,
  remedy: 'create the bucket, or correct store.s3.bucket and store.s3.endpoint',
}
const clock: Rule = { reason: 'clock', retryable: false, remedy: "set this machine's clock" }
const unsupported: Rule = {
  reason: 'unsupported',
  retryable: false,
  remedy: 'use a server with conditional writes; `contrastream doctor` tries them',
}
const mayNotRead: Rule = {
  reason: 'denied',
  retryable: false,
  remedy: 'allow s3:GetObject and s3:ListBucket there',
}
const mayNotWrite: Rule = {
  reason: 'read-only',
  retryable: false,
  remedy: 'allow s3:PutObject and s3:DeleteObject there',
}
const other: Rule = { reason: 'other', retryable: false, remedy: 'run `contrastream doctor`' }

const ruleByName: Readonly<Record<string, Rule>> = {
  AuthorizationHeaderMalformed: region,
  CredentialsProviderError: credentials,
  ExpiredToken: credentials,
  InvalidAccessKeyId: credentials,
  InvalidToken: credentials,
  NoSuchBucket: noBucket,
  NotImplemented: unsupported,
  PermanentRedirect: region,
  QuotaExceeded: full,
  RequestTimeTooSkewed: clock,
  SignatureDoesNotMatch: credentials,
  XMinioStorageFull: full,
}
const ruleByStatus: Readonly<Record<number, Rule>> = {
  301: region,
  401: credentials,
  403: mayNotRead,
  501: unsupported,
  507: full,
}

/** Errors with a 4xx of requests that did not arrive whole: another one may. */
const halfHeard: ReadonlySet<string> = new Set([
  'BadDigest',
  'IncompleteBody',
  'RequestTimeout',
  'XAmzContentSHA256Mismatch',
])
const answerByStatus: Readonly<Record<number, S3Answer>> = {
  304: 'unchanged',
  404: 'absent',
  409: 'conflict',
  412: 'refused',
  429: 'unknown',
}

interface SdkError {
  readonly name?: string
  readonly message?: string
  readonly $metadata?: { readonly httpStatusCode?: number }
}

/**
 * What an error of the S3 client means.
 *
 * @param error - Whatever `send`, or reading a body, threw.
 */
export function s3Answer(error: unknown): S3Answer {
  const { name = '', $metadata } = (error ?? {}) as SdkError
  const status = $metadata?.httpStatusCode
  if (halfHeard.has(name)) return 'unknown'
  if (lasting(error) !== undefined) return 'failed'
  if (status === undefined || status < 300 || status >= 500) return 'unknown'
  return answerByStatus[status] ?? 'failed'
}

/**
 * Translates an error of the S3 client for the callers of a store.
 *
 * @param where - The call and its subject, with bucket and key.
 * @param does - Whether the request was to change something.
 * @param cause - What the client threw; one of ours passes as it is.
 */
export function s3Error(where: string, does: 'read' | 'write', cause: unknown): StoreError {
  if (cause instanceof StoreError) return cause
  if (s3Answer(cause) === 'unknown') {
    const message = `${where}: expected an answer, got ${told(cause)}`
    return new StoreError(message, { reason: 'unavailable', retryable: true, cause })
  }
  const rule = lasting(cause) ?? other
  const { reason, retryable, remedy } = rule === mayNotRead && does === 'write' ? mayNotWrite : rule
  const expected = does === 'write' ? 'the bucket to take it' : 'the bucket to answer'
  const message = `${where}: expected ${expected}, got ${told(cause)}; ${remedy}`
  return new StoreError(message, { reason, retryable, cause })
}

/** The error of a write that may have been stored; it stays the first one that said so. */
export function unknownOutcome(where: string, cause: unknown): StoreError {
  if (cause instanceof StoreError && cause.reason === 'unknown') return cause
  const message = `${where}: expected to learn whether it is stored, got ${told(cause)}`
  return new StoreError(`${message}; read before you decide`, {
    reason: 'unknown',
    retryable: true,
    cause,
  })
}

/** The error of a write that others got in the way of again and again; nothing is stored. */
export function busyKey(where: string): StoreError {
  const message = `${where}: expected its turn, got other writers each time; try again later`
  return new StoreError(message, { reason: 'busy', retryable: true })
}

/** The rule of a fault that asking again does not mend. */
function lasting(error: unknown): Rule | undefined {
  const { name = '', message = '', $metadata } = (error ?? {}) as SdkError
  if (message === 'Region is missing') return region
  return ruleByName[name] ?? ruleByStatus[$metadata?.httpStatusCode ?? 0]
}

function told(cause: unknown): string {
  const { name = 'Error', message = String(cause), $metadata } = (cause ?? {}) as SdkError
  const status = $metadata?.httpStatusCode
  return `${name}${status === undefined ? '' : ` (${status})`}: ${message}`
}
