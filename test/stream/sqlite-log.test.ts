import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { logBytes, waitingSince } from '../../lib/stream/sqlite-log.ts'
import type { StreamPort } from '../../lib/stream/types.ts'
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

  it('says since when the oldest record waits that is not applied', async () => {
    const { db } = harness.under(stream)
    await sendAcked(
      stream,
      't',
      [1, 2, 3].map(() => ({ value: new Uint8Array(1) })),
    )
    db.exec('UPDATE record SET at = 100 + off')
    expect(waitingSince(db, 't', new Map())).toBe(100)
    expect(waitingSince(db, 't', new Map([['t/0', 2]]))).toBe(102)
    expect(waitingSince(db, 't', new Map([['t/0', 3]]))).toBeUndefined()
  })
})
