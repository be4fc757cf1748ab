import { expect, it } from 'vitest'
import type { LaneReading } from '../../lib/service/watchdog-memory.ts'
import { lastWords, type Silence, silence } from '../../lib/service/watchdog-rule.ts'

/** Silence after looks a second apart at these readings. */
function after(...readings: readonly Partial<LaneReading>[]): number {
  let found: Silence | undefined
  for (const reading of readings) {
    found = silence(found, { beats: 0, isBusy: true, doing: '', ...reading }, 1_000)
  }
  return found?.ms ?? 0
}

it('counts the time in which there is work and no progress', () => {
  expect(after({ beats: 3 })).toBe(0)
  expect(after({ beats: 3 }, { beats: 3 }, { beats: 3 })).toBe(2_000)
})

it('begins anew with every sign of progress', () => {
  expect(after({ beats: 3 }, { beats: 3 }, { beats: 4 })).toBe(0)
  expect(after({ beats: 3 }, { beats: 3 }, { beats: 4 }, { beats: 4 })).toBe(1_000)
})

it('counts no time without work', () => {
  const idle = { beats: 3, isBusy: false }
  expect(after(idle, idle, idle)).toBe(0)
  expect(after({ beats: 3 }, { beats: 3 }, idle)).toBe(0)
})

it('names what is stuck, what was under way and since when', () => {
  const silences = new Map([
    ['round', { seen: { beats: 9, isBusy: true, doing: 'train 7/200' }, ms: 120_500 }],
    ['intake', { seen: { beats: 1, isBusy: false, doing: '' }, ms: 0 }],
  ])
  const said = lastWords(silences, 120_000, Date.UTC(2026, 4, 1, 12, 2, 0, 500))
  expect(said).toMatch(/^watchdog: expected progress of round within 120 s, got none/)
  expect(said).toContain(
    'round: busy, silent for 120.5 s; at 2026-05-01T12:00:00.000Z: train 7/200',
  )
  expect(said).toContain('intake: idle')
})
