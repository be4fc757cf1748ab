import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { logBytes, waitingSince } from '../../lib/stream/sqlite-log.ts'
import type { StreamPort } from '../../lib/stream/types.ts'
import { consumer } from './consumer.ts'
import { bytes, sendAcked, topics } from './harness.ts'
import { type SqliteHarness, sqliteHarness } from './sqlite-harness.ts'

describe('the figures of a log', () => {
  let harness: SqliteHarness
  let stream: StreamPort
  beforeEach(async () => {
    harness = await sqliteHarness()
    stream = await harness.open()
    await stream.ensureTopics(topics)
  })
  afterEach(() => harness.dispose())

  it('counts the bytes of keys and values in all topics', async () => {
    const { db } = harness.under(stream)
    expect(logBytes(db)).toBe(0)
    await sendAcked(stream, 't', [{ key: bytes('12'), value: new Uint8Array(98) }])
    await sendAcked(stream, 'c', [{ key: bytes('1'), value: new Uint8Array(9) }])
    expect(logBytes(db)).toBe(110)
  })

  /** Three records, stored at 100, 101 and 102. */
  async function fill() {
    const { db } = harness.under(stream)
    await sendAcked(
      stream,
      't',
      [1, 2, 3].map(() => ({ value: new Uint8Array(1) })),
    )
    db.exec('UPDATE record SET at = 100 + off')
    return db
  }
  const nobody = { applied: new Map(), reportedSince: 0 }

  it('says since when the oldest record waits that is not applied', async () => {
    const db = await fill()
    const since = (applied: number) =>
      waitingSince(db, 't', { ...nobody, applied: new Map([['t/0', applied]]) })
    expect([since(0), since(2), since(3)]).toEqual([100, 102, undefined])
    expect(waitingSince(db, 't', nobody)).toBeUndefined()
  })

  it('counts what a group has before it that reported lately', async () => {
    const db = await fill()
    const reader = await consumer(stream)
    await reader.received(3)
    reader.reportProgress('t/0', 1)
    await reader.stop()
    expect(waitingSince(db, 't', nobody)).toBe(101)
    const reportedSince = Date.now() + 3_600_000
    expect(waitingSince(db, 't', { ...nobody, reportedSince })).toBeUndefined()
  })
})
