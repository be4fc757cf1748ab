import { describe, expect, it } from 'vitest'
import type { HousekeepingReport } from '../../lib/service/housekeeping.ts'
import { freedBytes, housekeepingText, sizeText } from '../../lib/service/housekeeping-text.ts'

const nothing = { count: 0, bytes: 0 }
const spaces = { state: nothing, models: nothing, index: nothing, quarantine: nothing }

const report = (bytes: number, unreadable: readonly string[] = []): HousekeepingReport => ({
  documents: [],
  blobs: { ...spaces, pictures: { count: 3, bytes } },
  released: 0,
  orphans: { count: 1, bytes: 1 },
  records: { count: 2, bytes: 1 },
  log: { bytes: 0, isOver: false },
  unreadable,
})

describe('the words of housekeeping', () => {
  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1.0 KiB'],
    [1.5 * 2 ** 30, '1.5 GiB'],
    [2 ** 60, '1048576.0 TiB'],
  ])('writes %i bytes as %s', (bytes, text) => {
    expect(sizeText(bytes)).toBe(text)
  })

  it('adds up all that goes', () => {
    expect(freedBytes(report(10))).toBe(12)
  })

  it('tells of a pass that freed something to speak of, and of no other', () => {
    expect(housekeepingText(report(2 ** 20))).toBe(
      'housekeeping: 1.0 MiB freed, 3 pictures and 2 records among them',
    )
    expect(housekeepingText(report(2 ** 20 - 3))).toBeUndefined()
  })

  it('always tells of what cannot be read', () => {
    expect(housekeepingText(report(0, ['v3']))).toBe(
      'housekeeping: v3 cannot be read, what they may name stays',
    )
  })
})
