import { describe, expect, it } from 'vitest'
import { rateShare } from '../../lib/learn/rate-share.ts'

describe('rateShare', () => {
  it('is whole until the cooldown begins, then falls in a line', () => {
    expect([0, 0.5, 0.7, 0.85, 0.97, 1].map((place) => rateShare(place, 0.3))).toEqual([
      1,
      1,
      1,
      expect.closeTo(0.5, 10),
      expect.closeTo(0.1, 10),
      0,
    ])
  })

  it('stays whole without a cooldown, and never leaves its range', () => {
    expect(rateShare(1, 0)).toBe(1)
    expect(rateShare(1.2, 0.3)).toBe(0)
    expect(rateShare(0, 1)).toBe(1)
  })
})
