import { expect, it } from 'vitest'
import { StoreError } from '../../lib/errors.ts'
import { s3Answer, s3Error, unknownOutcome } from '../../lib/store/s3-faults.ts'

/** An error as the SDK makes it of an answer. */
function answered(status: number, name = 'Error'): Error {
  return Object.assign(new Error('from the server'), {
    name,
    $metadata: { httpStatusCode: status },
  })
}

it.each([
  [304, 'NotModified', 'unchanged'],
  [404, 'NoSuchKey', 'absent'],
  [412, 'PreconditionFailed', 'refused'],
  [409, 'ConditionalRequestConflict', 'conflict'],
  [500, 'InternalError', 'unknown'],
  [503, 'SlowDown', 'unknown'],
  [429, 'TooManyRequests', 'unknown'],
  [400, 'RequestTimeout', 'unknown'],
  [400, 'BadDigest', 'unknown'],
  [200, 'SyntaxError', 'unknown'],
  [400, 'InvalidArgument', 'failed'],
  [403, 'AccessDenied', 'failed'],
  [404, 'NoSuchBucket', 'failed'],
  [501, 'NotImplemented', 'failed'],
] as const)('takes %i %s for %s', (status, name, answer) => {
  expect(s3Answer(answered(status, name))).toBe(answer)
})

it('takes what carries no answer for unknown', () => {
  for (const name of ['TimeoutError', 'AbortError', 'Error']) {
    expect(s3Answer(Object.assign(new Error('socket hang up'), { name }))).toBe('unknown')
  }
})

it.each([
  [403, 'AccessDenied', 'read-only', 's3:PutObject'],
  [403, 'SignatureDoesNotMatch', 'credentials', 'credentials'],
  [403, 'RequestTimeTooSkewed', 'clock', 'clock'],
  [404, 'NoSuchBucket', 'no-bucket', 'store.s3.bucket'],
  [301, 'PermanentRedirect', 'region', 'store.s3.region'],
  [501, 'NotImplemented', 'unsupported', 'conditional writes'],
  [507, 'XMinioStorageFull', 'disk-full', 'make room'],
  [400, 'InvalidArgument', 'other', 'doctor'],
] as const)('says what to do about a write that meets %i %s', (status, name, reason, remedy) => {
  const cause = answered(status, name)
  const error = s3Error('put s3://bucket/key', 'write', cause)
  expect(error).toMatchObject({ reason, retryable: reason === 'disk-full', cause })
  expect(error.message).toContain('put s3://bucket/key: expected the bucket to take it, got')
  expect(error.message).toContain(remedy)
})

it('says which right is missing to a read', () => {
  const error = s3Error('get s3://bucket/key', 'read', answered(403, 'AccessDenied'))
  expect(error).toMatchObject({ reason: 'denied', retryable: false })
  expect(error.message).toContain('s3:GetObject')
})

it.each(['CredentialsProviderError', 'Error'])('knows a %s before any request', (name) => {
  const message = name === 'Error' ? 'Region is missing' : 'no provider'
  const error = s3Error('get s3://bucket/key', 'read', Object.assign(new Error(message), { name }))
  expect(error).toMatchObject({ reason: name === 'Error' ? 'region' : 'credentials' })
})

it('translates an error once', () => {
  const first = unknownOutcome('put s3://bucket/key', new Error('reset'))
  expect(unknownOutcome('elsewhere', first)).toBe(first)
  expect(s3Error('elsewhere', 'read', first)).toBe(first)
  const other = new StoreError('get: …', { reason: 'unavailable' })
  expect(unknownOutcome('put s3://bucket/key', other)).toMatchObject({
    reason: 'unknown',
    retryable: true,
    cause: other,
  })
})
