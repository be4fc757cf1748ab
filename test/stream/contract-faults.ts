import { expect, it } from 'vitest'
import { consumer } from './consumer.ts'
import { fixture, recordsOf, type StreamHarness, sendAcked } from './harness.ts'

/** What a fault between the store and its clients does to those who send. */
export function faultsContract(make: () => Promise<StreamHarness>): void {
  const given = fixture(make)

  it('refuses nothing that may be stored when the answer to a write is lost', async () => {
    const { harness, stream } = given()
    await harness.loseAnswer(stream)
    const values = ['a', 'b', 'c']
    const waiting = values.map((value) => stream.send('t', recordsOf(value), { deadlineMs: 8_000 }))
    const results = (await Promise.all(waiting)).flat()
    expect(results.map(({ outcome }) => outcome)).not.toContain('refused')
    const again = await harness.open()
    const offsets = await sendAcked(again, 't', recordsOf(...values))
    const reader = await consumer(again)
    await reader.received(6)
    const found = new Map(reader.records.map((one, i) => [one.offset, reader.values()[i]]))
    expect(offsets.map((offset) => found.get(offset))).toEqual(values)
    for (const [i, result] of results.entries()) {
      if (result.outcome === 'acked') expect(found.get(result.offset)).toBe(values[i])
    }
  })
}
