import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { monotonicClock } from '../../lib/registry/clock.ts'
import { holdLease } from '../../lib/registry/lease.ts'
import { type Housekeeper, housekeeper } from '../../lib/service/housekeeping-schedule.ts'
import { topicNames } from '../../lib/stream/topics.ts'
import { handClock } from '../support/hand-clock.ts'
import {
  checkpointsOf,
  contentOf,
  ingest,
  stateWith,
  type TestHouse,
  testHouse,
} from './housekeeping-folder.ts'

const hour = 3_600_000
const day = 24 * hour

interface Kept {
  readonly keeper: Housekeeper
  readonly told: string[]
  readonly asked: () => number
  /** Moves both clocks, and waits until the keeper has nothing in hand. */
  later(ms: number): Promise<void>
}

/** A housekeeper that works in a house, on a clock that the test moves. */
function keeperOf(house: TestHouse, checkpoint: () => Promise<void> = async () => undefined): Kept {
  const clock = handClock()
  const told: string[] = []
  let asleep = 0
  let asked = 0
  const keeper = housekeeper(house, {
    now: house.now,
    clock: {
      now: clock.now,
      sleep: (ms, signal) => {
        asleep += 1
        return clock.sleep(ms, signal)
      },
    },
    checkpoint: () => {
      asked += 1
      return checkpoint()
    },
    tell: (text) => told.push(text),
  })
  onTestFinished(() => keeper.stop())
  const later = async (ms: number) => {
    const before = asleep
    house.wall.ms += ms
    clock.oversleep(ms)
    await clock.advance(0)
    await vi.waitFor(() => expect(asleep).toBeGreaterThan(before), { interval: 5 })
  }
  return { keeper, told, asked: () => asked, later }
}

async function started(house: TestHouse, checkpoint?: () => Promise<void>): Promise<Kept> {
  const kept = keeperOf(house, checkpoint)
  kept.keeper.start()
  await kept.later(0)
  return kept
}

/** Has applied so many records, in all checkpoints that may be fallen back to. */
async function applied(house: TestHouse, count: number): Promise<void> {
  const checkpoints = await checkpointsOf(house)
  const loaded = await checkpoints.load()
  let saved = loaded?.saved
  for (let copy = 0; copy < 3; copy += 1) {
    const from = saved?.head.offsets[`${topicNames.unlabeled}/0`] ?? 0
    saved = await checkpoints.replace(saved, contentOf(stateWith([]), count, from))
  }
}

/** Digest of the part `buffer` of the last checkpoint. */
async function bufferOf(house: TestHouse): Promise<string> {
  const loaded = await (await checkpointsOf(house)).load()
  return loaded?.saved.head.parts['buffer']?.digest ?? ''
}

const records = async ({ stream }: TestHouse): Promise<number> => {
  const [mark] = await stream.watermarks(topicNames.unlabeled)
  return (mark?.high ?? 0) - (mark?.low ?? 0)
}

describe('housekeeper', () => {
  it('keeps house at once, then every day', async () => {
    const house = await testHouse()
    await ingest(house, ['a', 'b'])
    await applied(house, 2)
    house.wall.ms += 8 * day
    const { told, later } = await started(house)
    expect([await records(house), told]).toEqual([0, []])
    await ingest(house, ['c'])
    await applied(house, 3)
    house.wall.ms += 8 * day
    await later(23 * hour)
    expect(await records(house)).toBe(1)
    await later(hour)
    expect(await records(house)).toBe(0)
  })

  it('refuses intake while too much is not applied, and asks for a checkpoint', async () => {
    const house = await testHouse({ log: { retention: { bytes: '100B' } } })
    await ingest(house, ['a', 'b'])
    const { keeper, asked, later } = await started(house, () => applied(house, 2))
    expect([keeper.refusal(), asked()]).toEqual([expect.stringContaining('100 B'), 0])
    await later(10_000)
    expect([keeper.refusal(), asked()]).toEqual([undefined, 1])
    expect(await records(house)).toBe(1)
  })

  it('shortens a log that has grown too large, between two days', async () => {
    const house = await testHouse({ log: { retention: { bytes: '100B' } } })
    const { keeper, later } = await started(house)
    await ingest(house, ['a', 'b', 'c'])
    await applied(house, 3)
    await later(10_000)
    expect([await records(house), keeper.refusal()]).toEqual([1, undefined])
  })

  it('tells why a pass failed, and tries again in an hour', async () => {
    const house = await testHouse()
    const { documents } = house.registry
    const made = await documents.create('checkpoint/main/head', { format: 2 })
    const { told, later } = await started(house)
    expect(told).toEqual([expect.stringContaining('expected format 1 or older, got 2')])
    await later(hour / 2)
    expect(told).toHaveLength(1)
    await documents.remove('checkpoint/main/head', made.ok ? made.tag : '')
    await ingest(house, ['a'])
    await applied(house, 1)
    house.wall.ms += 8 * day
    await later(hour / 2)
    expect([told.length, await records(house)]).toEqual([1, 0])
  })

  it('tells of what cannot be read', async () => {
    const house = await testHouse()
    await applied(house, 0)
    await house.registry.blobs.delete('state', await bufferOf(house), { olderThanMs: 0 })
    const { told } = await started(house)
    expect(told).toEqual([expect.stringMatching(/checkpoint\/main\/\d+.* cannot be read/)])
  })

  it('leaves the work to another process that is at it', async () => {
    const house = await testHouse()
    const lease = await holdLease(house.registry.documents, 'gc', {
      owner: 'other-host:12:3',
      ttlMs: 300,
      clock: monotonicClock,
      onLost: () => undefined,
    })
    onTestFinished(() => lease.release())
    const { told } = await started(house)
    expect(told).toEqual([])
  })

  it('removes nothing more once it is stopped, and gives the lease back', async () => {
    const house = await testHouse()
    await ingest(house, ['a'])
    await applied(house, 1)
    house.wall.ms += 8 * day
    const { stream } = house
    let stopped: Promise<void> | undefined
    const watermarks = (topic: string) => {
      stopped ??= keeper.stop()
      return stream.watermarks(topic)
    }
    const { keeper, told } = keeperOf({ ...house, stream: { ...stream, watermarks } })
    keeper.start()
    await vi.waitFor(() => expect(stopped).toBeDefined(), { interval: 5 })
    await stopped
    expect([told, await records(house)]).toEqual([[], 1])
    const lease = await house.registry.documents.read('lease/gc')
    expect(lease).toMatchObject({ value: { fence: 1 } })
    expect(lease).not.toHaveProperty('value.owner')
  })
})
