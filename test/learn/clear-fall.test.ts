import { describe, expect, it } from 'vitest'
import { fellClearly } from '../../lib/learn/clear-fall.ts'

const flat = (value: number) => new Float32Array(100).fill(value)
/** Scores about a middle, half of them above and half below. */
const about = (middle: number, by: number) =>
  Float32Array.from({ length: 100 }, (_, i) => middle + (i % 2 === 0 ? by : -by))

describe('fellClearly', () => {
  it('tells a fall of every picture', () => {
    expect(fellClearly(flat(0.9), flat(0.87))).toBe(true)
  })

  it('overlooks a small one, and a rise', () => {
    expect(fellClearly(flat(0.9), flat(0.89))).toBe(false)
    expect(fellClearly(flat(0.8), flat(0.9))).toBe(false)
  })

  it('overlooks one that chance explains', () => {
    // By .2 a picture the standard error is .02: a fall of .03 may be one, .06 is not.
    expect(fellClearly(flat(0.9), about(0.87, 0.2))).toBe(false)
    expect(fellClearly(flat(0.9), about(0.84, 0.2))).toBe(true)
  })
})
