import { describe, expect, it } from 'vitest'
import { type Hint, hintKey, readHint, writeHint } from '../../lib/stream/hint.ts'

const hint: Hint = {
  v: 1,
  name: 'main',
  channel: 'stable',
  seq: 4,
  version: `v2-${'ab'.repeat(6)}`,
  manifestSha256: 'ab'.repeat(32),
  fence: 3,
  at: '2026-01-02T03:04:05Z',
}

describe('a hint', () => {
  it('is read as it was written', () => {
    const full = { ...hint, generation: 'v2.1' }
    expect(readHint(writeHint(full))).toEqual(full)
  })

  it.each([
    ['another channel', { channel: 'beta' }],
    ['a version without digest', { version: 'v2' }],
    ['a negative counter', { seq: -1 }],
  ])('with %s is malformed', (_, change) => {
    const value = new TextEncoder().encode(JSON.stringify({ ...hint, ...change }))
    expect(() => readHint(value)).toThrow(expect.objectContaining({ code: 'INPUT' }))
  })

  it('has one key for each pipeline and channel', () => {
    const keyOf = (change: Partial<Hint>) =>
      new TextDecoder().decode(hintKey({ ...hint, ...change }))
    const keys = [keyOf({}), keyOf({ channel: 'candidate' }), keyOf({ name: 'other' })]
    expect(new Set(keys).size).toBe(3)
    expect(keyOf({ seq: 9 })).toBe(keyOf({}))
  })
})
