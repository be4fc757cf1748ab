import { expect, it } from 'vitest'
import { expectStamp } from '../../lib/search/stamp.ts'

const stamp = { version: 'v1-0123456789ab', preprocessingHash: 'p' }

it('lets vectors of the same model and preprocessing meet', () => {
  expect(() => expectStamp('search', stamp, { ...stamp })).not.toThrow()
})

it.each([
  ['model', { ...stamp, version: 'v2-0123456789ab' }],
  ['preprocessing', { ...stamp, preprocessingHash: 'q' }],
])('refuses vectors of another %s, naming both', (_, other) => {
  const compare = () => expectStamp('search', stamp, other)
  expect(compare).toThrow(expect.objectContaining({ code: 'VERSION_MISMATCH' }))
  expect(compare).toThrow(
    `search: expected vectors of v1-0123456789ab and preprocessing p, got those of ${other.version} and preprocessing ${other.preprocessingHash}`,
  )
})
