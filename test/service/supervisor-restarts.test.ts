import { expect, it } from 'vitest'
import { restartRule } from '../../lib/service/supervisor-restarts.ts'

const minute = 60_000

it('waits twice as long after each death', () => {
  const delayAfter = restartRule()
  expect([0, 1, 2, 3].map(delayAfter)).toEqual([1_000, 2_000, 4_000, 8_000])
})

it('gives up at the fifth death within ten minutes', () => {
  const delayAfter = restartRule()
  for (const at of [0, 1, 2, 3]) delayAfter(at * minute)
  expect(delayAfter(9 * minute)).toBeUndefined()
})

it('forgets deaths that are ten minutes ago', () => {
  const delayAfter = restartRule()
  for (const at of [0, 1, 2, 3]) delayAfter(at * minute)
  expect(delayAfter(10 * minute)).toBe(8_000)
  expect(delayAfter(40 * minute)).toBe(1_000)
})

it('never waits longer than it may', () => {
  const delayAfter = restartRule({ deaths: 20 })
  const waits = Array.from({ length: 10 }, (_, at) => delayAfter(at))
  expect(Math.max(...waits.map(Number))).toBe(60_000)
})
