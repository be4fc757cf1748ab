import { expect, it } from 'vitest'
import { StoreError, StreamError } from '../../lib/errors.ts'
import { fullDisk } from '../../lib/service/full-disk.ts'

it('names the folder and the remedy, whichever part found the disk full', () => {
  const cause = new StreamError('ingest: expected the log to take a record', {
    reason: 'disk-full',
  })
  expect(fullDisk(cause, './data')).toMatchObject({
    code: 'STORE',
    retryable: true,
    cause,
    message: expect.stringMatching(/^run: expected room on the disk of \.\/data.*; free space/),
  })
})

it('leaves other errors as they are', () => {
  for (const error of [new StoreError('damaged', { reason: 'damaged' }), new Error('x'), 'x']) {
    expect(fullDisk(error, './data')).toBe(error)
  }
})
