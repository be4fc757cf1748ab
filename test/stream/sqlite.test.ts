import { hostname } from 'node:os'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { sqliteStream } from '../../lib/stream/sqlite.ts'
import type { StreamPort } from '../../lib/stream/types.ts'
import { type FaultyDatabase, sqliteError } from '../store/faulty-database.ts'
import { consumer, until } from './consumer.ts'
import { describeStream } from './contract.ts'
import { describeStreamOnDisk } from './contract-disk.ts'
import { bytes, recordsOf, sendAcked, topics } from './harness.ts'
import { type SqliteHarness, sqliteHarness } from './sqlite-harness.ts'

describeStream('sqlite', sqliteHarness)
describeStreamOnDisk('sqlite', sqliteHarness)

describe('sqliteStream', () => {
  let harness: SqliteHarness
  let stream: StreamPort
  let faulty: FaultyDatabase
  beforeEach(async () => {
    harness = await sqliteHarness()
    stream = await harness.open()
    faulty = harness.under(stream)
    await stream.ensureTopics(topics)
  })
  afterEach(() => harness.dispose())

  /** Counts what runs from now on. */
  function count(sql: string): () => number {
    let runs = 0
    faulty.hook = { after: (text) => (runs += text === sql ? 1 : 0) }
    return () => runs
  }

  it('commits what one tick hands over at once', async () => {
    const commits = count('COMMIT')
    const sends = Array.from({ length: 50 }, (_, i) => sendAcked(stream, 't', recordsOf(`${i}`)))
    await Promise.all(sends)
    expect(commits()).toBe(1)
  })

  it('cuts a large send into transactions within the limits', async () => {
    const commits = count('COMMIT')
    const offsets = await sendAcked(stream, 't', recordsOf(...Array<string>(2_500).fill('x')))
    expect(offsets).toEqual(Array.from({ length: 2_500 }, (_, i) => i))
    expect(commits()).toBe(3)
  })

  it('refuses as busy, once the deadline is over, what another writer keeps out', async () => {
    const other = harness.under(await harness.open()).db
    faulty.db.exec('PRAGMA busy_timeout = 1')
    other.exec('BEGIN IMMEDIATE')
    const results = await stream.send('t', recordsOf('a'), { deadlineMs: 30 })
    other.exec('ROLLBACK')
    expect(results).toEqual([{ outcome: 'refused', reason: 'busy' }])
    expect(await stream.watermarks('t')).toMatchObject([{ high: 0 }])
  })

  it('tries again until the deadline while another writer is at it', async () => {
    const other = harness.under(await harness.open()).db
    faulty.db.exec('PRAGMA busy_timeout = 1')
    other.exec('BEGIN IMMEDIATE')
    setTimeout(() => other.exec('ROLLBACK'), 60)
    await sendAcked(stream, 't', recordsOf('a'))
  })

  it.each([
    ['io', 778], // SQLITE_IOERR_WRITE
    ['damaged', 11],
  ])(
    'ends every consumer and refuses everything after a fault that is %s',
    async (reason, code) => {
      const reader = await consumer(stream)
      await until(() => expect(reader.assigned).toHaveLength(1))
      failOnce(faulty, (sql) => sql.startsWith('INSERT INTO record'), code)
      const [first] = await stream.send('t', recordsOf('a'), { deadlineMs: 100 })
      expect(first).toEqual({ outcome: 'unknown', reason })
      expect(await stream.send('t', recordsOf('b'), { deadlineMs: 100 })).toEqual([
        { outcome: 'refused', reason },
      ])
      expect(reader.fatal.map((error) => error.reason)).toEqual([reason])
      expect(stream.health().ok).toBe(false)
      await expect(consumer(stream, { group: 'late' })).rejects.toMatchObject({ reason: 'broken' })
    },
  )

  it('ends a consumer whose records cannot be read', async () => {
    const reader = await consumer(stream)
    await until(() => expect(reader.assigned).toHaveLength(1))
    failOnce(faulty, (sql) => sql.startsWith('SELECT low'), 11)
    await sendAcked(stream, 't', recordsOf('a'))
    await until(() => expect(reader.fatal.map(({ reason }) => reason)).toEqual(['damaged']))
  })

  it('stores nothing at an offset beyond the safe integers', async () => {
    faulty.db.exec(`UPDATE part SET next = ${Number.MAX_SAFE_INTEGER} WHERE topic = 't'`)
    const results = await stream.send('t', recordsOf('a'), { deadlineMs: 100 })
    expect(results).toEqual([{ outcome: 'refused', reason: 'unsafe-integer' }])
    expect(stream.health().ok).toBe(false)
  })

  it('refuses to commit what is no safe integer', async () => {
    const reader = await consumer(stream)
    expect(() => reader.reportProgress('t/0', 2 ** 53)).toThrow(
      't/0: expected an offset that is a safe integer, got 9007199254740992',
    )
  })

  it('leaves a group with a silent owner of another machine for a whole lease', async () => {
    faulty.db.exec("INSERT INTO member VALUES ('readers', 'elsewhere:1:1:x', 7, 3)")
    const begin = performance.now()
    const reader = await consumer(stream)
    await until(() => expect(reader.assigned).toHaveLength(1))
    expect(performance.now() - begin).toBeGreaterThanOrEqual(harness.sessionMs)
    expect(faulty.db.prepare('SELECT epoch FROM member').all()).toMatchObject([{ epoch: 8 }])
  })

  it('takes a group over at once from a process that is no more', async () => {
    const owner = `${hostname()}:${process.pid}:1:x`
    faulty.db.prepare("INSERT INTO member VALUES ('readers', ?, 7, 3)").run(owner)
    const patient = sqliteStream(faulty.db, { leaseMs: 3_600_000 })
    const heir = await consumer(patient)
    await until(() => expect(heir.assigned).toHaveLength(1))
    await patient.close({ deadlineMs: 1_000 })
  })

  it('delivers nothing more once the group has another owner', async () => {
    const patient = sqliteStream(faulty.db, { leaseMs: 3_600_000 })
    const reader = await consumer(patient)
    await sendAcked(patient, 't', recordsOf('a'))
    await reader.received(1)
    // Its commit of the start is through: it would tell the loss as well.
    await until(() => expect(faulty.db.prepare('SELECT * FROM position').all()).toHaveLength(1))
    faulty.db.exec("UPDATE member SET epoch = epoch + 1, owner = 'elsewhere:1:1'")
    await sendAcked(patient, 't', recordsOf('b'))
    await until(() => expect(reader.revoked).toEqual(['lost']))
    expect(reader.values()).toEqual(['a'])
    await patient.close({ deadlineMs: 1_000 })
  })

  it('acks whole records or stores nothing, whichever statement fails', async () => {
    let steps = Number.POSITIVE_INFINITY
    for (let failing = 1; failing <= steps; failing++) {
      const current = await harness.open()
      const { db } = harness.under(current)
      const under = harness.under(current)
      let n = 0
      under.hook = {
        before: () => {
          n += 1
          if (n === failing) throw sqliteError(13, 'database or disk is full')
        },
      }
      const value = `failing ${failing}`
      const records = [{ key: bytes('k'), value: bytes(value) }, ...recordsOf(`${value} too`)]
      const outcome = await current.send('t', records, { deadlineMs: 100 }).catch(() => undefined)
      under.hook = {}
      const stored = db.prepare('SELECT off, value FROM record ORDER BY off').all()
      const next = db.prepare("SELECT next, bytes FROM part WHERE topic = 't'").get()
      const sum = stored.reduce((total, row) => total + (row['value'] as Uint8Array).length, 0)
      const keys = outcome?.every((one) => one.outcome === 'acked') ? 1 : 0
      expect(next).toMatchObject({ next: 2 * keys, bytes: sum + keys })
      expect(stored).toHaveLength(2 * keys)
      if (keys === 1) steps = failing - 1
      expect(failing).toBeLessThan(30)
    }
  })
})

/** Makes the next statement that fits fail with a result code of SQLite. */
function failOnce(faulty: FaultyDatabase, fits: (sql: string) => boolean, errcode: number): void {
  faulty.hook = {
    before: (sql) => {
      if (!fits(sql)) return
      faulty.hook = {}
      throw sqliteError(errcode, 'injected')
    },
  }
}
