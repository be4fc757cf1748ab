import { describe, expect, it } from 'vitest'
import { consumer } from './consumer.ts'
import { fixture, recordsOf, type StreamHarness, sendAcked } from './harness.ts'

/** What a fault of the disk does to those who send and read. */
export function faultsContract(make: () => Promise<StreamHarness>): void {
  const given = fixture(make)
  const large = Array.from({ length: 20 }, () => ({ value: new Uint8Array(100_000) }))

  describe('on a fault', () => {
    it('refuses what does not fit on a full disk, and takes it once there is room', async ({
      skip,
    }) => {
      const { harness, stream } = given()
      const free = (await harness.faults?.fullDisk(stream)) ?? skip('the store cannot be filled')
      const results = await stream.send('t', large, { deadlineMs: 1_000 })
      expect(results.every(({ outcome }) => outcome === 'refused')).toBe(true)
      expect(stream.health()).toMatchObject({ ok: true, detail: expect.stringContaining('full') })
      await free()
      const offsets = await sendAcked(stream, 't', large)
      const reader = await consumer(stream)
      await reader.received(large.length)
      expect(reader.records.map(({ offset }) => offset)).toEqual(offsets)
    })

    it('refuses everything while it may only read, and still delivers', async ({ skip }) => {
      const { harness, stream } = given()
      await sendAcked(stream, 't', recordsOf('a'))
      const reader = await consumer(stream)
      await reader.received(1)
      const heal = (await harness.faults?.readOnly(stream)) ?? skip('the store cannot be locked')
      const results = await stream.send('t', recordsOf('b'), { deadlineMs: 1_000 })
      expect(results).toMatchObject([{ outcome: 'refused' }])
      await heal()
      await sendAcked(stream, 't', recordsOf('c'))
      await reader.received(2)
      expect(reader.values()).toEqual(['a', 'c'])
    })

    it('answers unknown when the answer to a write is lost, never acked or refused', async ({
      skip,
    }) => {
      const { harness, stream } = given()
      if (!harness.faults) skip('answers cannot be lost')
      await harness.faults?.loseAnswer(stream)
      const waiting = ['a', 'b', 'c'].map((value) =>
        stream.send('t', recordsOf(value), { deadlineMs: 1_000 }),
      )
      const outcomes = (await Promise.all(waiting)).flat().map(({ outcome }) => outcome)
      expect(outcomes).toContain('unknown')
      expect(outcomes).not.toContain('refused')
      const again = await harness.open()
      const offsets = await sendAcked(again, 't', recordsOf('a', 'b', 'c'))
      const reader = await consumer(again)
      await reader.received(6)
      const found = new Map(reader.records.map((one, i) => [one.offset, reader.values()[i]]))
      expect(offsets.map((offset) => found.get(offset))).toEqual(['a', 'b', 'c'])
    })
  })
}
