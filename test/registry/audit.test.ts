import { describe, expect, it } from 'vitest'
import { audit, type RoundEntry } from '../../lib/registry/audit.ts'
import { temporaryStores } from '../support/stores.ts'

const entry = (round: number, reason = 'no gain'): RoundEntry => ({
  format: 1,
  lineage: 'main',
  round,
  at: 5,
  fence: 1,
  gate: { verdict: 'hold', reason },
})

describe('audit', () => {
  it('keeps every verdict, oldest first', async () => {
    const kept = audit(temporaryStores().documents)
    expect(await kept.nextRound()).toBe(1)
    for (const round of [10, 2]) await kept.recordRound(entry(round))
    expect(await kept.rounds()).toEqual([entry(2), entry(10)])
    expect(await kept.nextRound()).toBe(11)
  })

  it('never rewrites: a repeated round gets the entry of its first end', async () => {
    const kept = audit(temporaryStores().documents)
    await kept.recordRound(entry(1, 'first'))
    expect((await kept.recordRound(entry(1, 'second'))).gate.reason).toBe('first')
    expect(await kept.rounds()).toEqual([entry(1, 'first')])
  })
})
