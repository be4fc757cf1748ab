import { describe, expect, it } from 'vitest'
import type { Partition, StartAt, StreamPort } from '../../lib/stream/types.ts'
import { type Consumer, consumer, until } from './consumer.ts'
import { bytes, fixture, recordsOf, type StreamHarness, sendAcked } from './harness.ts'

/** Where delivery starts, how it goes on, and how it ends. */
export function consumingContract(make: () => Promise<StreamHarness>): void {
  const given = fixture(make)

  describe('the start', () => {
    it('delivers no batch before onAssign has answered', async () => {
      const { stream } = given()
      const answer = Promise.withResolvers<ReadonlyMap<Partition, StartAt>>()
      const early = await consumer(stream, { onAssign: () => answer.promise })
      const other = await consumer(stream, { group: 'others' })
      await sendAcked(stream, 't', recordsOf('a'))
      await other.received(1)
      expect(early.batches).toEqual([])
      answer.resolve(new Map([['t/0', 'earliest']]))
      await early.received(1)
    })

    it('asks for the start only once subscribe has resolved', async () => {
      const { stream } = given()
      const events: string[] = []
      const reader = await consumer(stream, {
        onAssign: async (partitions) => {
          events.push('asked')
          return new Map(partitions.map((one) => [one, 'earliest' as const]))
        },
      })
      events.push('resolved')
      await until(() => expect(reader.assigned).toHaveLength(1))
      expect(events).toEqual(['resolved', 'asked'])
    })

    it('starts exactly at the offset of the answer', async () => {
      const { stream } = given()
      const offsets = await sendAcked(stream, 't', recordsOf('a', 'b', 'c'))
      const reader = await consumer(stream, { start: offsets[1] as number })
      await reader.received(2)
      expect(reader.records.map(({ offset }) => offset)).toEqual(offsets.slice(1))
    })

    it('starts at the low mark when asked for the earliest', async () => {
      const { harness, stream } = given()
      const offsets = await sendAcked(stream, 't', recordsOf('a', 'b', 'c'))
      await harness.dropBelow('t/0', offsets[1] as number)
      const reader = await consumer(stream, { start: 'earliest' })
      await reader.received(2)
      expect(reader.values()).toEqual(['b', 'c'])
    })

    it('starts with the next record when asked for the latest', async () => {
      const { stream } = given()
      await sendAcked(stream, 't', recordsOf('old'))
      const reader = await consumer(stream, { start: 'latest' })
      await sendUntilReceived(stream, reader)
      expect(reader.values()).not.toContain('old')
    })

    it('goes on where its group has committed', async () => {
      const { harness, stream } = given()
      const offsets = await sendAcked(stream, 't', recordsOf('a', 'b', 'c'))
      const first = await consumer(stream, { start: 'committed' })
      await first.received(3)
      first.reportProgress('t/0', offsets[2] as number)
      await first.stop()
      await harness.restart()
      const second = await consumer(await harness.open(), { start: 'committed' })
      await second.received(1)
      expect(second.values()).toEqual(['c'])
    })

    it('commits where a new group starts', async () => {
      const { stream } = given()
      await sendAcked(stream, 't', recordsOf('old'))
      const first = await consumer(stream, { start: 'latest' })
      await sendUntilReceived(stream, first)
      await first.stop()
      const second = await consumer(stream, { start: 'committed' })
      await second.received(first.records.length)
      expect(second.records[0]?.offset).toBe(first.records[0]?.offset)
    })

    it('redelivers what was taken but not committed', async () => {
      const { stream } = given()
      await sendAcked(stream, 't', recordsOf('a', 'b'))
      const first = await consumer(stream, { start: 'committed' })
      await first.received(2)
      await first.stop()
      const second = await consumer(stream, { start: 'committed' })
      await second.received(2)
      expect(second.values()).toEqual(['a', 'b'])
    })

    it('fails with offset-gone below the low mark', async () => {
      const { harness, stream } = given()
      const offsets = await sendAcked(stream, 't', recordsOf('a', 'b', 'c'))
      await harness.dropBelow('t/0', offsets[2] as number)
      const reader = await consumer(stream, { start: offsets[1] as number })
      await until(() => expect(reader.fatal.map(({ reason }) => reason)).toEqual(['offset-gone']))
      expect(reader.batches).toEqual([])
    })

    it('fails with offset-gone below the low mark even while it is paused', async () => {
      const { harness, stream } = given()
      const offsets = await sendAcked(stream, 't', recordsOf('a', 'b', 'c'))
      await harness.dropBelow('t/0', offsets[2] as number)
      const reader = await consumer(stream, {
        onAssign: async (partitions) => {
          reader.pause(partitions)
          return new Map(partitions.map((one) => [one, offsets[1] as number]))
        },
      })
      await until(() => expect(reader.fatal.map(({ reason }) => reason)).toEqual(['offset-gone']))
    })

    it('stays paused from onAssign on until it is resumed', async () => {
      const { stream } = given()
      await sendAcked(stream, 't', recordsOf('a'))
      const reader = await consumer(stream, {
        onAssign: async (partitions) => {
          reader.pause(partitions)
          return new Map(partitions.map((one) => [one, 'earliest' as const]))
        },
      })
      const other = await consumer(stream, { group: 'others' })
      await other.received(1)
      await sendAcked(stream, 't', recordsOf('b'))
      await other.received(2)
      expect(reader.batches).toEqual([])
      reader.resume(['t/0'])
      await reader.received(2)
    })

    it('fails with offset-gone when records are dropped that it has not read yet', async () => {
      const { harness, stream } = given()
      const reader = await consumer(stream)
      await sendAcked(stream, 't', recordsOf('a'))
      await reader.received(1)
      reader.pause(['t/0'])
      const offsets = await sendAcked(stream, 't', recordsOf('b', 'c'))
      await harness.dropBelow('t/0', offsets[1] as number)
      reader.resume(['t/0'])
      await until(() => expect(reader.fatal.map(({ reason }) => reason)).toEqual(['offset-gone']))
      expect(reader.values()).toEqual(['a'])
    })

    it('fails with offset-ahead above the high mark', async () => {
      const { stream } = given()
      const [offset = 0] = await sendAcked(stream, 't', recordsOf('a'))
      const reader = await consumer(stream, { start: offset + 2 })
      await until(() => expect(reader.fatal.map(({ reason }) => reason)).toEqual(['offset-ahead']))
      expect(reader.batches).toEqual([])
    })

    it('fails if onAssign leaves a partition out', async () => {
      const { stream } = given()
      const reader = await consumer(stream, { onAssign: async () => new Map() })
      await until(() => expect(reader.fatal).toHaveLength(1))
    })

    it('fails if onAssign rejects', async () => {
      const { stream } = given()
      const reader = await consumer(stream, {
        onAssign: () => Promise.reject(new Error('no checkpoint')),
      })
      await until(() =>
        expect(reader.fatal).toMatchObject([{ cause: { message: 'no checkpoint' } }]),
      )
    })
  })

  describe('delivery', () => {
    it('keeps the order of a partition, one batch at a time', async () => {
      const { stream } = given()
      let running = 0
      let most = 0
      const reader = await consumer(stream, {
        onBatch: async () => {
          running += 1
          most = Math.max(most, running)
          await new Promise((resolve) => setImmediate(resolve))
          running -= 1
        },
      })
      const values = Array.from({ length: 100 }, (_, i) => `${i}`)
      for (let i = 0; i < 100; i += 5) {
        await sendAcked(stream, 't', recordsOf(...values.slice(i, i + 5)))
      }
      await reader.received(100)
      expect(reader.values()).toEqual(values)
      expect(most).toBe(1)
    })

    it('works on one partition while the handler of another hangs', async () => {
      const { stream } = given()
      const never = new Promise<void>(() => undefined)
      const reader = await consumer(stream, {
        topics: ['t3'],
        onBatch: ({ partition }) => (partition === 't3/0' ? never : Promise.resolve()),
      })
      for (const partition of [0, 1, 2]) {
        await sendAcked(stream, 't3', [{ value: bytes(`${partition}`), partition }])
      }
      await reader.received(3)
      await sendAcked(stream, 't3', [{ value: bytes('more'), partition: 2 }])
      await reader.received(4)
    })

    it('bounds a batch by bytes, but holds back no single record', async () => {
      const { stream } = given()
      const sizes = [40, 40, 40, 300, 40]
      await sendAcked(
        stream,
        't',
        sizes.map((size) => ({ value: new Uint8Array(size) })),
      )
      const reader = await consumer(stream, { maxBatchBytes: 100 })
      await reader.received(5)
      const batchBytes = reader.batches.map(({ records }) =>
        records.reduce((sum, { value }) => sum + value.length, 0),
      )
      expect(batchBytes.filter((size) => size > 100)).toEqual([300])
    })

    it('tells with each batch how far the partition goes', async () => {
      const { stream } = given()
      const offsets = await sendAcked(stream, 't', recordsOf('a', 'b'))
      const reader = await consumer(stream)
      await reader.received(2)
      expect(reader.batches.at(-1)?.high).toBe((offsets[1] as number) + 1)
    })

    it('hands the same batch over again after a rejection', async () => {
      const { stream } = given()
      await sendAcked(stream, 't', recordsOf('a', 'b'))
      let failures = 1
      const reader = await consumer(stream, {
        onBatch: async () => {
          if (failures-- > 0) throw new Error('the store is away')
        },
      })
      await reader.received(4)
      expect(reader.values()).toEqual(['a', 'b', 'a', 'b'])
      expect(reader.fatal).toEqual([])
    })

    it('gives up with onFatal when a batch is rejected again and again', async () => {
      const { harness, stream } = given()
      await sendAcked(stream, 't', recordsOf('a'))
      const reader = await consumer(stream, {
        onBatch: () => Promise.reject(new Error('the store is away')),
      })
      await until(() => expect(reader.fatal).toHaveLength(1))
      expect(reader.batches).toHaveLength(harness.attempts)
      expect(reader.fatal[0]).toMatchObject({
        code: 'STREAM',
        cause: { message: 'the store is away' },
      })
    })

    it('delivers nothing of a paused partition, and everything once it is resumed', async () => {
      const { stream } = given()
      const reader = await consumer(stream)
      const other = await consumer(stream, { group: 'others' })
      let sent = 0
      for (let round = 0; round < 5; round++) {
        await sendAcked(stream, 't', recordsOf(`${sent++}`))
        await reader.received(sent)
        reader.pause(['t/0'])
        for (let i = 0; i < 10; i++) await sendAcked(stream, 't', recordsOf(`${sent++}`))
        await other.received(sent)
        expect(reader.records).toHaveLength(sent - 10)
        reader.resume(['t/0'])
        await reader.received(sent)
      }
      expect(reader.values()).toEqual(Array.from({ length: sent }, (_, i) => `${i}`))
    })

    it('reads what other clients send', async () => {
      const { harness, stream } = given()
      const reader = await consumer(stream)
      await sendAcked(await harness.open(), 't', recordsOf('from elsewhere'))
      await reader.received(1)
    })
  })

  describe('the end', () => {
    it('lets the batch in hand come to an end, then hands back', async () => {
      const { stream } = given()
      await sendAcked(stream, 't', recordsOf('a'))
      const events: string[] = []
      const reader = await consumer(stream, {
        onBatch: async (_, signal) => {
          await new Promise((resolve) => signal.addEventListener('abort', resolve))
          events.push('batch ended')
        },
        onRevoke: async (_, why) => {
          events.push(why)
        },
      })
      await reader.received(1)
      await reader.stop()
      expect(events).toEqual(['batch ended', 'revoked'])
      expect(reader.fatal).toEqual([])
    })

    it('takes the progress that is reported while it hands back', async () => {
      const { stream } = given()
      const offsets = await sendAcked(stream, 't', recordsOf('a', 'b'))
      const reader = await consumer(stream, {
        onRevoke: async ([partition]) => {
          reader.reportProgress(partition as Partition, offsets[1] as number)
        },
      })
      await reader.received(2)
      await reader.stop()
      const next = await consumer(stream, { start: 'committed' })
      await next.received(1)
      expect(next.values()).toEqual(['b'])
    })

    it('fails if onRevoke rejects, also while it is stopped', async () => {
      const { stream } = given()
      const reader = await consumer(stream, {
        onRevoke: () => Promise.reject(new Error('no checkpoint')),
      })
      await until(() => expect(reader.assigned).toHaveLength(1))
      await reader.stop()
      expect(reader.fatal).toMatchObject([{ cause: { message: 'no checkpoint' } }])
    })

    it('closes during a batch, once that has ended', async () => {
      const { stream } = given()
      await sendAcked(stream, 't', recordsOf('a'))
      let hasEnded = false
      const reader = await consumer(stream, {
        onBatch: async (_, signal) => {
          await new Promise((resolve) => signal.addEventListener('abort', resolve))
          await sendAcked(stream, 't3', recordsOf('set aside'))
          hasEnded = true
        },
      })
      await reader.received(1)
      await stream.close({ deadlineMs: 10_000 })
      expect(hasEnded).toBe(true)
      expect(reader.revoked).toEqual(['revoked'])
    })

    it('closes at its deadline when a handler never returns', async () => {
      const { stream } = given()
      await sendAcked(stream, 't', recordsOf('a'))
      const reader = await consumer(stream, { onBatch: () => new Promise(() => undefined) })
      await reader.received(1)
      await stream.close({ deadlineMs: 50 })
      expect(reader.fatal).toEqual([])
    })

    it('takes nothing in once it is closed', async () => {
      const { stream } = given()
      expect(stream.health().ok).toBe(true)
      await stream.close({ deadlineMs: 1_000 })
      const results = await stream.send('t', recordsOf('late'), { deadlineMs: 1_000 })
      expect(results).toMatchObject([{ outcome: 'refused' }])
      await expect(consumer(stream)).rejects.toMatchObject({ code: 'STREAM' })
      expect(stream.health().ok).toBe(false)
    })
  })
}

/** Sends records one by one until the first arrives: then the reader has found its start. */
async function sendUntilReceived(stream: StreamPort, reader: Consumer): Promise<void> {
  for (let i = 0; reader.records.length === 0; i++) {
    await sendAcked(stream, 't', recordsOf(`new ${i}`))
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
