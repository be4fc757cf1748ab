import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { LeaseLostError } from '../../lib/errors.ts'
import { logBytes } from '../../lib/stream/sqlite-log.ts'
import { planRetention, type Retention, retain } from '../../lib/stream/sqlite-retention.ts'
import type { Partition, StreamPort } from '../../lib/stream/types.ts'
import { consumer } from './consumer.ts'
import { bytes, sendAcked, topics } from './harness.ts'
import { type SqliteHarness, sqliteHarness } from './sqlite-harness.ts'

const hour = 3_600_000

describe('retain', () => {
  let harness: SqliteHarness
  let stream: StreamPort
  beforeEach(async () => {
    harness = await sqliteHarness()
    stream = await harness.open()
    await stream.ensureTopics(topics)
  })
  afterEach(() => harness.dispose())

  /** Records of 100 bytes, stored now. */
  const fill = (count: number, topic = 't') =>
    sendAcked(
      stream,
      topic,
      Array.from({ length: count }, () => ({ key: bytes('12'), value: new Uint8Array(98) })),
    )
  /** Drops what may go, and checks that the plan said so. */
  const keep = async (
    retention: Retention,
    hoursFromNow: number,
    applied: ReadonlyMap<Partition, number> = new Map(),
  ) => {
    const { db } = harness.under(stream)
    const limits = { retention, applied, now: Date.now() + hoursFromNow * hour }
    const plan = await planRetention(db, limits)
    const deed = await retain(db, limits)
    expect(plan).toEqual(deed)
    return deed
  }
  const low = async (topic = 't') => (await stream.watermarks(topic))[0]?.low

  it('drops records that are older than the hours', async () => {
    await fill(2_500)
    expect(await keep({ hours: 2, bytes: 1e9 }, 1)).toMatchObject({ removed: 0 })
    expect(await keep({ hours: 2, bytes: 1e9 }, 3)).toEqual({
      removed: 2_500,
      freed: 250_000,
      bytes: 0,
      isOver: false,
    })
    expect(await low()).toBe(2_500)
  })

  it('drops the oldest until the rest fits into the bytes', async () => {
    await fill(50)
    expect(await keep({ hours: 2, bytes: 2_000 }, 0)).toEqual({
      removed: 30,
      freed: 3_000,
      bytes: 2_000,
      isOver: false,
    })
    expect(await low()).toBe(30)
  })

  it('never passes what the checkpoint has applied, and says that the log is over', async () => {
    await fill(50)
    const applied = new Map<Partition, number>([['t/0', 10]])
    expect(await keep({ hours: 2, bytes: 0 }, 3, applied)).toEqual({
      removed: 10,
      freed: 1_000,
      bytes: 4_000,
      isOver: true,
    })
    expect(await low()).toBe(10)
  })

  it('never passes a group that reported within the hours', async () => {
    await fill(50)
    const reader = await consumer(stream)
    await reader.received(50)
    reader.reportProgress('t/0', 20)
    await reader.stop()
    expect(await keep({ hours: 2, bytes: 0 }, 1)).toMatchObject({ removed: 20, isOver: true })
    expect(await keep({ hours: 2, bytes: 1e9 }, 3)).toMatchObject({ removed: 30 })
  })

  it('leaves compacted topics alone', async () => {
    await fill(5, 'c')
    expect(await keep({ hours: 2, bytes: 0 }, 3)).toEqual({
      removed: 0,
      freed: 0,
      bytes: 100,
      isOver: true,
    })
  })

  it('keeps the records of a topic for hours of its own', async () => {
    await fill(5)
    const retention = { hours: 2, topicHours: { t: 10 }, bytes: 1e9 }
    expect(await keep(retention, 9)).toMatchObject({ removed: 0 })
    expect(await keep(retention, 11)).toMatchObject({ removed: 5 })
  })

  it('changes nothing when it plans', async () => {
    await fill(5)
    const { db } = harness.under(stream)
    const now = Date.now() + 3 * hour
    const limits = { retention: { hours: 2, bytes: 0 }, applied: new Map(), now }
    expect(await planRetention(db, limits)).toMatchObject({ removed: 5, bytes: 0 })
    expect([await low(), logBytes(db)]).toEqual([0, 500])
  })

  it('stops before the next transaction when it may no longer go on', async () => {
    await fill(2_500)
    let asked = 0
    const limits = {
      retention: { hours: 2, bytes: 0 },
      applied: new Map(),
      now: Date.now() + 3 * hour,
    }
    const once = () => {
      asked += 1
      if (asked > 1) throw new LeaseLostError('gone')
    }
    await expect(retain(harness.under(stream).db, limits, once)).rejects.toThrow(LeaseLostError)
    expect(await low()).toBe(1_000)
  })

  it('gives the room back to the disk', async () => {
    await fill(2_000)
    const pages = () =>
      Number(harness.under(stream).db.prepare('PRAGMA page_count').get()?.['page_count'])
    const before = pages()
    await keep({ hours: 2, bytes: 0 }, 0)
    expect(pages()).toBeLessThan(before / 2)
  })
})
