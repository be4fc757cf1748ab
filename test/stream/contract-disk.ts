import { describe, expect, it } from 'vitest'
import { consumer } from './consumer.ts'
import { type DiskHarness, fixture, recordsOf, sendAcked } from './harness.ts'

/** What a fault of the disk does to those who send and read, for adapters whose disk is ours. */
export function describeStreamOnDisk(name: string, make: () => Promise<DiskHarness>): void {
  describe(`${name} stream, on a fault of the disk`, () => {
    const given = fixture(make)
    const large = Array.from({ length: 20 }, () => ({ value: new Uint8Array(100_000) }))

    it('refuses what does not fit on a full disk, and takes it once there is room', async () => {
      const { harness, stream } = given()
      const free = await harness.fullDisk(stream)
      const results = await stream.send('t', large, { deadlineMs: 1_000 })
      expect(results.every(({ outcome }) => outcome === 'refused')).toBe(true)
      expect(stream.health()).toMatchObject({ ok: true, detail: expect.stringContaining('full') })
      await free()
      const offsets = await sendAcked(stream, 't', large)
      const reader = await consumer(stream)
      await reader.received(large.length)
      expect(reader.records.map(({ offset }) => offset)).toEqual(offsets)
    })

    it('refuses everything while it may only read, and still delivers', async () => {
      const { harness, stream } = given()
      await sendAcked(stream, 't', recordsOf('a'))
      const reader = await consumer(stream)
      await reader.received(1)
      const heal = await harness.readOnly(stream)
      const results = await stream.send('t', recordsOf('b'), { deadlineMs: 1_000 })
      expect(results).toMatchObject([{ outcome: 'refused' }])
      await heal()
      await sendAcked(stream, 't', recordsOf('c'))
      await reader.received(2)
      expect(reader.values()).toEqual(['a', 'c'])
    })

    it('answers unknown when the answer to a write is lost', async () => {
      const { harness, stream } = given()
      await harness.loseAnswer(stream)
      const [result] = await stream.send('t', recordsOf('a'), { deadlineMs: 1_000 })
      expect(result?.outcome).toBe('unknown')
    })
  })
}
