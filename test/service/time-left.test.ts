import { expect, it } from 'vitest'
import { timeLeft } from '../../lib/service/time-left.ts'

const half = { step: 50, steps: 100, elapsedMs: 30_000, limitMs: undefined }

it('goes on at the pace so far', () => {
  expect(timeLeft(half)).toBe(30)
  expect(timeLeft({ ...half, step: 75 })).toBe(10)
})

it('ends with the time that a round may take, however many steps are left', () => {
  expect(timeLeft({ ...half, limitMs: 40_000 })).toBe(10)
  expect(timeLeft({ ...half, limitMs: 20_000 })).toBe(0)
})

it('knows nothing before the first step and after the last', () => {
  expect(timeLeft({ ...half, step: 0 })).toBeUndefined()
  expect(timeLeft({ ...half, step: 100 })).toBeUndefined()
})
