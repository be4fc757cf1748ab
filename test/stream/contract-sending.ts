import { describe, expect, it } from 'vitest'
import { partitionOf } from '../../lib/stream/murmur2.ts'
import { kills, killsMs, startChild } from '../store/child.ts'
import { consumer, until } from './consumer.ts'
import { acked, bytes, fixture, recordsOf, type StreamHarness, sendAcked } from './harness.ts'
import type { News } from './peer.ts'

type Acked = Extract<News, { is: 'acked' }>

/** Topics, marks and `send`. */
export function sendingContract(make: () => Promise<StreamHarness>): void {
  const given = fixture(make)

  describe('topics', () => {
    it('has one identity for all clients, before and after a restart', async () => {
      const { harness, stream } = given()
      const identity = await stream.identity()
      expect(await (await harness.open()).identity()).toBe(identity)
      await harness.restart()
      expect(await (await harness.open()).identity()).toBe(identity)
    })

    it('never changes a live partition count', async () => {
      const { stream } = given()
      await sendAcked(stream, 't3', recordsOf('kept'))
      await stream.ensureTopics([{ ...topicT3, partitions: 7 }])
      const marks = await stream.watermarks('t3')
      expect(marks.map(({ partition }) => partition)).toEqual(['t3/0', 't3/1', 't3/2'])
      expect(marks.reduce((sum, { high, low }) => sum + high - low, 0)).toBe(1)
    })

    it('refuses records of a topic that does not exist', async () => {
      const { stream } = given()
      const results = await stream.send('nowhere', recordsOf('a', 'b'), { deadlineMs: 1_000 })
      expect(results.map(({ outcome }) => outcome)).toEqual(['refused', 'refused'])
    })

    it('refuses to subscribe to a topic that does not exist', async () => {
      const { stream } = given()
      await expect(consumer(stream, { topics: ['nowhere'] })).rejects.toMatchObject({
        code: 'STREAM',
        reason: 'no-topic',
      })
    })

    it('shows low and high marks', async () => {
      const { stream } = given()
      expect(await stream.watermarks('t')).toEqual([{ partition: 't/0', low: 0, high: 0 }])
      const last = (await sendAcked(stream, 't', recordsOf('a', 'b'))).at(-1) as number
      expect(await stream.watermarks('t')).toEqual([{ partition: 't/0', low: 0, high: last + 1 }])
    })
  })

  describe('send', () => {
    it('numbers the records of a partition upwards', async () => {
      const { stream } = given()
      const offsets = await sendAcked(stream, 't', recordsOf('a', 'b', 'c', 'd'))
      expect(offsets).toEqual(offsets.toSorted((a, b) => a - b))
      expect(new Set(offsets).size).toBe(4)
    })

    it('stores at each acked offset that very record', async () => {
      const { stream } = given()
      const values = Array.from({ length: 200 }, (_, i) => `record ${i}`)
      const sent = await Promise.all(
        values.map(async (value) => {
          const [result] = await stream.send('t', recordsOf(value), { deadlineMs: 10_000 })
          return [acked(result).offset, value] as const
        }),
      )
      const reader = await consumer(stream)
      await reader.received(values.length)
      const found = reader.records.map(({ offset, value }) => [offset, text(value)] as const)
      expect(new Map(found)).toEqual(new Map(sent))
    })

    it('keeps key, value, headers and the time', async () => {
      const { stream } = given()
      const before = Date.now()
      const record = { key: bytes('k'), value: bytes('v'), headers: { source: 'a camera' } }
      await sendAcked(stream, 't', [record, { value: bytes('bare') }])
      const reader = await consumer(stream)
      await reader.received(2)
      const [first, second] = reader.records
      expect(text(first?.key)).toBe('k')
      expect(first?.headers).toEqual({ source: 'a camera' })
      expect(first?.timestamp).toBeGreaterThanOrEqual(before - 1)
      expect(first?.timestamp).toBeLessThanOrEqual(Date.now() + 1)
      expect(second?.key).toBeUndefined()
      expect(second?.headers).toEqual({})
    })

    it('keeps keys of any bytes, and headers in any script', async () => {
      const { stream } = given()
      const key = Uint8Array.from({ length: 256 }, (_, i) => i)
      const headers = { source: 'Überwachung 📷', empty: '', 'captured-at': '2026-01-01T00:00:00Z' }
      await sendAcked(stream, 't', [{ key, value: bytes('v'), headers }])
      const reader = await consumer(stream)
      await reader.received(1)
      expect(Buffer.from(reader.records[0]?.key ?? []).equals(key)).toBe(true)
      expect(reader.records[0]?.headers).toEqual(headers)
    })

    it('takes values of no bytes, of any bytes and of the largest size', async () => {
      const { stream } = given()
      const values = [new Uint8Array(0), Uint8Array.from({ length: 256 }, (_, i) => i)]
      values.push(new Uint8Array(topicT3.maxBytes).fill(7))
      await sendAcked(
        stream,
        't',
        values.map((value) => ({ value })),
      )
      const reader = await consumer(stream)
      await reader.received(3)
      expect(reader.records.map(({ value }) => Buffer.compare(value, value))).toEqual([0, 0, 0])
      for (const [i, { value }] of reader.records.entries()) {
        expect(Buffer.from(value).equals(values[i] as Uint8Array)).toBe(true)
      }
    })

    it('answers for each record on its own: one that is too large fails alone', async () => {
      const { stream } = given()
      const tooLarge = { value: new Uint8Array(topicT3.maxBytes + 1) }
      const batch = [...recordsOf('a'), tooLarge, ...recordsOf('b')]
      const results = await stream.send('t', batch, { deadlineMs: 10_000 })
      expect(results.map(({ outcome }) => outcome)).toEqual(['acked', 'refused', 'acked'])
      const reader = await consumer(stream)
      await reader.received(2)
      expect(reader.values()).toEqual(['a', 'b'])
    })

    it('maps a key to its partition by the murmur2 rule', async () => {
      const { stream } = given()
      const keys = Array.from({ length: 30 }, (_, i) => bytes(`key ${i}`))
      const records = keys.map((key) => ({ key, value: bytes('v') }))
      const results = await stream.send('t3', records, { deadlineMs: 10_000 })
      const expected = keys.map((key) => `t3/${partitionOf(key, 3)}`)
      expect(results.map((result) => acked(result).partition)).toEqual(expected)
    })

    it('lets an explicit partition win over the key', async () => {
      const { stream } = given()
      const key = bytes('key')
      const partition = (partitionOf(key, 3) + 1) % 3
      const record = { key, value: bytes('v'), partition }
      const [result] = await stream.send('t3', [record], { deadlineMs: 10_000 })
      expect(acked(result).partition).toBe(`t3/${partition}`)
    })

    it('refuses an explicit partition that does not exist', async () => {
      const { stream } = given()
      const results = await stream.send('t3', [{ value: bytes('v'), partition: 3 }], {
        deadlineMs: 10_000,
      })
      expect(results).toMatchObject([{ outcome: 'refused' }])
    })

    it('keeps at least the last record of each key of a compacted topic', async () => {
      const { stream } = given()
      const send = (key: string, value: string) =>
        sendAcked(stream, 'c', [{ key: bytes(key), value: bytes(value) }])
      for (const round of ['1', '2', '3'])
        for (const key of ['a', 'b']) await send(key, key + round)
      const reader = await consumer(stream, { topics: ['c'] })
      await reader.received(2)
      expect(reader.values()).toEqual(expect.arrayContaining(['a3', 'b3']))
      expect(reader.values().at(-1)).toBe('b3')
    })

    it('refuses a record without key in a compacted topic', async () => {
      const { stream } = given()
      const records = [...recordsOf('bare'), { key: bytes('k'), value: bytes('fine') }]
      const results = await stream.send('c', records, { deadlineMs: 10_000 })
      expect(results.map(({ outcome }) => outcome)).toEqual(['refused', 'acked'])
    })

    it('never uses an offset again, whatever was dropped', async () => {
      const { harness, stream } = given()
      const last = (await sendAcked(stream, 't', recordsOf('a', 'b'))).at(-1) as number
      await harness.dropBelow('t/0', last + 1)
      await harness.restart()
      const [next] = await sendAcked(await harness.open(), 't', recordsOf('c'))
      expect(next).toBeGreaterThan(last)
    })

    it('gives two processes that send at once offsets of their own', async () => {
      const { harness, stream } = given()
      const peers = [startChild(harness.peer()), startChild(harness.peer())]
      await Promise.all(peers.map((peer) => peer.hear('open')))
      for (const [n, peer] of peers.entries()) {
        const values = Array.from({ length: 40 }, (_, i) => `${n}-${i}`)
        for (const value of values) peer.tell({ is: 'send', topic: 't', values: [value] } as never)
      }
      for (let i = 0; i < 40; i++) await Promise.all(peers.map((peer) => peer.hear('sent')))
      const said = peers.flatMap((peer) => peer.said.filter(isAcked))
      const reader = await consumer(stream)
      await reader.received(80)
      const found = reader.records.map(({ offset, value }) => [offset, text(value)] as const)
      expect(new Map(found)).toEqual(new Map(said.map(({ offset, value }) => [offset, value])))
    })

    it(
      'has stored what it acked before a kill',
      async () => {
        const { harness, stream } = given()
        const said: Acked[] = []
        for (let round = 0; round < kills; round++) {
          const peer = startChild(harness.peer())
          await peer.hear('open')
          peer.tell({ is: 'flood', topic: 't', name: `${round}` } as never)
          for (let i = 0; i < (round * 7) % 20; i++) await peer.hear('acked')
          await peer.signal('SIGKILL')
          said.push(...peer.said.filter(isAcked))
        }
        const [{ high } = { high: 0 }] = await stream.watermarks('t')
        const reader = await consumer(stream)
        await until(() => expect(reader.records.at(-1)?.offset).toBe(high - 1))
        const found = new Map(reader.records.map(({ offset, value }) => [offset, text(value)]))
        expect(said.filter(({ offset, value }) => found.get(offset) !== value)).toEqual([])
      },
      killsMs,
    )
  })
}

const topicT3 = { name: 't3', partitions: 3, policy: 'delete', maxBytes: 1_000_000 } as const

const text = (value: Uint8Array | undefined) => Buffer.from(value ?? []).toString()

function isAcked(message: { readonly is: string }): message is Acked {
  return message.is === 'acked'
}
