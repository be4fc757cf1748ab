import { describe, expect, it } from 'vitest'
import type { Partition, StreamPort } from '../../lib/stream/types.ts'
import { type Child, startChild } from '../store/child.ts'
import { consumer, until } from './consumer.ts'
import { fixture, recordsOf, type StreamHarness, sendAcked } from './harness.ts'
import type { News, Order } from './peer.ts'

/** Members that share a group, live, hang, die and wake up again. */
export function groupsContract(make: () => Promise<StreamHarness>): void {
  const given = fixture(make)

  describe('a group', () => {
    it('has one live owner of a partition at a time, as members come and go', async () => {
      const { harness, stream } = given()
      const owners = new Set<string>()
      let most = 0
      const member = (name: string, from: StreamPort) =>
        consumer(from, {
          start: 'committed',
          onAssign: async (partitions) => {
            owners.add(name)
            most = Math.max(most, owners.size)
            return new Map(partitions.map((one) => [one, 'committed' as const]))
          },
          onBatch: () => new Promise((resolve) => setTimeout(resolve, 20)),
          onRevoke: async () => {
            owners.delete(name)
          },
        })
      const first = await member('first', stream)
      await sendAcked(stream, 't', recordsOf('a'))
      await first.received(1)
      const second = await member('second', await harness.open())
      for (let i = 0; i < 20; i++) await sendAcked(stream, 't', recordsOf(`${i}`))
      await first.stop()
      await second.received(1)
      await second.stop()
      expect(most).toBe(1)
    })

    it('gives a partition to nobody else while its handler is still at work', async () => {
      const { harness, stream } = given()
      await sendAcked(stream, 't', recordsOf('a'))
      const events: string[] = []
      const first = await consumer(stream, {
        start: 'committed',
        onBatch: async (_, signal) => {
          await new Promise((resolve) => signal.addEventListener('abort', resolve))
          await new Promise((resolve) => setTimeout(resolve, 300))
          events.push('the handler ended')
        },
        onRevoke: async (_, why) => {
          events.push(why)
        },
      })
      await first.received(1)
      const second = await consumer(await harness.open(), {
        onAssign: async (partitions) => {
          events.push('the next owner')
          return new Map(partitions.map((one) => [one, 'earliest' as const]))
        },
      })
      await first.stop()
      await second.received(1)
      expect(events).toEqual(['the handler ended', 'revoked', 'the next owner'])
    })

    it('delivers each record once to members that keep the positions themselves', async () => {
      const { harness, stream } = given()
      const next = new Map<Partition, number>()
      const seen: string[] = []
      const member = async (from: StreamPort) =>
        consumer(from, {
          topics: ['t3'],
          onAssign: async (partitions) =>
            new Map(partitions.map((one) => [one, next.get(one) ?? 'earliest'])),
          onBatch: async ({ partition, records }) => {
            seen.push(...records.map(({ offset }) => `${partition}@${offset}`))
            next.set(partition, (records.at(-1)?.offset ?? 0) + 1)
          },
        })
      const total = 90
      const sending = (async () => {
        for (let i = 0; i < total; i++) {
          await sendAcked(stream, 't3', [{ value: new Uint8Array(1), partition: i % 3 }])
        }
      })()
      const stays = await member(stream)
      for (let visits = 0; visits < 2; visits++) {
        const visitor = await member(await harness.open())
        const before = seen.length
        await until(() => expect(seen.length).toBeGreaterThan(Math.min(before, total - 1)))
        await visitor.stop()
      }
      await sending
      await until(() => expect(seen.length).toBeGreaterThanOrEqual(total))
      await stays.stop()
      expect(seen).toHaveLength(total)
      expect(new Set(seen).size).toBe(total)
    })

    it('delivers to every group on its own', async () => {
      const { stream } = given()
      const readers = await Promise.all([
        consumer(stream, { group: 'one' }),
        consumer(stream, { group: 'two' }),
      ])
      await sendAcked(stream, 't', recordsOf('a', 'b'))
      for (const reader of readers) {
        await reader.received(2)
        expect(reader.values()).toEqual(['a', 'b'])
      }
    })

    it('stays with an owner whose handler takes ten sessions', async () => {
      const { harness, stream } = given()
      const release = Promise.withResolvers<void>()
      const slow = await consumer(stream, { topics: ['t3'], onBatch: () => release.promise })
      for (const partition of [0, 1, 2]) {
        await sendAcked(stream, 't3', [{ value: new Uint8Array(1), partition }])
      }
      await slow.received(3)
      const standby = await consumer(await harness.open(), { topics: ['t3'] })
      await new Promise((resolve) => setTimeout(resolve, 10 * harness.sessionMs))
      expect(standby.assigned).toEqual([])
      expect(slow.revoked).toEqual([])
      release.resolve()
    })

    it('goes to a standby when its owner is killed', async () => {
      const { harness, stream } = given()
      const [offset = 0] = await sendAcked(stream, 't', recordsOf('a'))
      const owner = startChild(harness.peer())
      owner.tell({ is: 'consume', topic: 't', group: 'readers', start: 'earliest' } as Order)
      await owner.hear('batch')
      const standby = await consumer(stream, { start: 'committed' })
      await owner.signal('SIGKILL')
      await standby.received(1)
      expect(standby.records[0]?.offset).toBe(offset)
    })

    it('tells an owner that slept too long that all is lost, and takes nothing more of it', async () => {
      const { harness, stream } = given()
      const [first = 0] = await sendAcked(stream, 't', recordsOf('a', 'b'))
      const sleeper = startChild(harness.peer())
      sleeper.tell({ is: 'consume', topic: 't', group: 'readers', start: 'earliest' } as Order)
      await sleeper.hear('batch')
      await fallAsleep(sleeper, stream)
      const heir = await consumer(stream, { start: 'committed' })
      await heir.received(2)
      heir.reportProgress('t/0', first + 1)
      sleeper.tell({ is: 'report', next: first + 2 } as Order)
      await sleeper.signal('SIGCONT')
      const { why } = await sleeper.hear<Extract<News, { is: 'revoked' }>>('revoked')
      expect(why).toBe('lost')
      await heir.stop()
      await sleeper.signal('SIGKILL')
      const next = await consumer(stream, { start: 'committed' })
      await next.received(1)
      expect(next.values()).toEqual(['b'])
    })

    it('loses and repeats nothing as members come and go', async () => {
      const { harness, stream } = given()
      const seen: number[] = []
      const total = 120
      const sending = (async () => {
        for (let i = 0; i < total; i++) await sendAcked(stream, 't', recordsOf(`${i}`))
      })()
      while (seen.length < total) {
        const member = await consumer(await harness.open(), { start: 'committed' })
        const goal = Math.min(total - seen.length, 25)
        await until(() => {
          if (member.records.length < goal) throw new Error('not yet')
        })
        await member.stop()
        // It hands back everything that it has not committed by now; what it has taken, it commits.
        seen.push(...member.records.map(({ offset }) => offset))
        const committer = await consumer(stream, { start: (seen.at(-1) ?? 0) + 1 })
        await until(() => expect(committer.assigned).toHaveLength(1))
        committer.reportProgress('t/0', (seen.at(-1) ?? 0) + 1)
        await committer.stop()
      }
      await sending
      expect(seen).toEqual(seen.toSorted((a, b) => a - b))
      expect(new Set(seen).size).toBe(total)
    })
  })
}

/** Stops a process, but not inside a write that keeps everybody else from writing. */
async function fallAsleep(child: Child, stream: StreamPort): Promise<void> {
  for (;;) {
    await child.signal('SIGSTOP')
    const [result] = await stream.send('t3', recordsOf('free?'), { deadlineMs: 500 })
    if (result?.outcome === 'acked') return
    await child.signal('SIGCONT')
    await sendAcked(stream, 't3', recordsOf('free')) // so its write has come to an end
  }
}
