import { describe, expect, it } from 'vitest'
import { versionId, versionNumber } from '../../lib/registry/version-id.ts'

describe('versionId', () => {
  it('joins the number and the first 12 digits of the manifest’s digest', () => {
    expect(versionId(41, '0123456789abcdef'.repeat(4))).toBe('v41-0123456789ab')
  })
})

describe('versionNumber', () => {
  it('reads the number back', () => {
    expect(versionNumber('v41-0123456789ab')).toBe(41)
  })

  it.each(['v41', 'v0-0123456789ab', 'v041-0123456789ab', '', 'v1-0123456789AB'])(
    'takes %j for no version',
    (id) => {
      expect(versionNumber(id)).toBeUndefined()
    },
  )
})
