import { expect, it } from 'vitest'
import * as errors from '../../../lib/errors.ts'
import { problemOf, problemSchema, retryAfter } from '../../../lib/service/http/problem.ts'

type ErrorClass = new (
  message: string,
  options?: errors.PipelineErrorOptions,
) => errors.PipelineError

const classes = Object.entries(errors)
  .filter(([name]) => name.endsWith('Error') && name !== 'PipelineError')
  .map(([name, Class]): [string, ErrorClass] => [name, Class as unknown as ErrorClass])

it.each(classes)('answers %s with a status of its own code', (_, Class) => {
  const problem = problemOf(new Class('where: expected a, got b'), 'r1')
  expect(problemSchema.parse(problem)).toEqual(problem)
  expect(problem.status).toBeGreaterThanOrEqual(400)
  expect(problem).toMatchObject({ requestId: 'r1', code: new Class('x').code })
})

it('covers every code', () => {
  expect(new Set(classes.map(([, Class]) => new Class('x').code))).toEqual(
    new Set(errors.errorCodes),
  )
})

it.each([
  [new errors.AuthError('no', { reason: 'token' }), 401],
  [new errors.AuthError('no', { reason: 'scope' }), 403],
  [new errors.BusyError('full', { reason: 'queue' }), 429],
  [new errors.BusyError('full', { reason: 'disk-full' }), 503],
  [new errors.BusyError('full'), 503],
  [new errors.InputError('long', { reason: 'bytes' }), 413],
  [Object.assign(new Error('Body is not valid JSON'), { statusCode: 400 }), 400],
  [Object.assign(new Error('Body is too large'), { statusCode: 413 }), 413],
  [Object.assign(new Error('Not Acceptable'), { statusCode: 406 }), 400],
  [new TypeError('x is not a function'), 500],
  ['nothing', 500],
  [undefined, 500],
])('tells %s as %i', (error, status) => {
  expect(problemOf(error, 'r').status).toBe(status)
})

it('hides what faults of ours say, and names limits of requests', () => {
  for (const error of [new errors.StoreError('/srv/data: full'), new Error('/srv/data')]) {
    expect(JSON.stringify(problemOf(error, 'r'))).not.toContain('/srv')
  }
  const large = new errors.ImageSizeError('large', { reason: 'bytes', limit: 5, got: 6 })
  expect(problemOf(large, 'r')).toMatchObject({ reason: 'bytes', limit: 5, got: 6 })
})

it('says when to come back where that helps', () => {
  expect([400, 429, 500, 503].map(retryAfter)).toEqual([undefined, 1, undefined, 5])
})
