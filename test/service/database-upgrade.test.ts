import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, expect, it, onTestFinished } from 'vitest'
import { databaseName, openDatabase } from '../../lib/service/database.ts'
import { type SchemaHistory, schemaHistory } from '../../lib/service/database-schema.ts'
import { sqliteDocuments } from '../../lib/store/sqlite.ts'
import { endChildren, startChild } from '../store/child.ts'

const old = schemaHistory.version

afterEach(endChildren)

/** The program after this one, whose schema knows one column more. */
function nextHistory(step: string): SchemaHistory {
  const tables = schemaHistory.tables.replace('max_bytes INTEGER', 'note TEXT, max_bytes INTEGER')
  return { version: old + 1, tables, steps: { ...schemaHistory.steps, [old]: step } }
}
const next = nextHistory('ALTER TABLE topic ADD COLUMN note TEXT')

interface OldFolder {
  readonly folder: string
  readonly path: string
  /** Where the copy of the old file lies. */
  readonly copy: string
  open(history?: SchemaHistory): DatabaseSync
}

/** A data folder that the present program has filled, and closed. */
async function oldFolder(): Promise<OldFolder> {
  const folder = mkdtempSync(join(tmpdir(), 'contrastream-upgrade-'))
  const opened: DatabaseSync[] = []
  onTestFinished(() => {
    for (const db of opened) if (db.isOpen) db.close()
    rmSync(folder, { recursive: true })
  })
  const open = (history = schemaHistory): DatabaseSync => {
    const db = openDatabase(folder, { history })
    opened.push(db)
    return db
  }
  const db = open()
  await sqliteDocuments(db).create('a', { n: 1 })
  db.exec("INSERT INTO topic VALUES ('t', 1, 'delete', 10)")
  db.close()
  const path = join(folder, databaseName)
  return { folder, path, copy: `${path}.v${old}`, open }
}

const formatOf = (db: DatabaseSync): unknown =>
  db.prepare('PRAGMA user_version').get()?.['user_version']

function formatIn(path: string): unknown {
  const db = new DatabaseSync(path)
  try {
    return formatOf(db)
  } finally {
    db.close()
  }
}

it('brings a file of the number before to the present one, with all that is in it', async () => {
  const { open } = await oldFolder()
  const db = open(next)
  expect(formatOf(db)).toBe(old + 1)
  expect(db.prepare('SELECT name, note FROM topic').all()).toEqual([{ name: 't', note: null }])
  expect(await sqliteDocuments(db).read('a')).toMatchObject({ value: { n: 1 } })
  expect(db.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' })
})

it('keeps a copy that the program before still opens', async () => {
  const { folder, path, copy, open } = await oldFolder()
  open(next).close()
  expect(readdirSync(folder)).toEqual([databaseName, `${databaseName}.v${old}`])
  rmSync(path)
  new DatabaseSync(copy).close()
  const back = mkdtempSync(join(folder, 'back-'))
  const taken = join(back, databaseName)
  const from = new DatabaseSync(copy)
  from.prepare('VACUUM INTO ?').run(taken)
  from.close()
  const db = openDatabase(back)
  expect([formatOf(db), await sqliteDocuments(db).read('a')]).toMatchObject([old, { value: {} }])
  db.close()
})

it('leaves a file of the present number alone, and refuses it for the program before', async () => {
  const { copy, open } = await oldFolder()
  open(next).close()
  rmSync(copy)
  open(next).close()
  expect(existsSync(copy)).toBe(false)
  expect(() => open()).toThrow(`expected ${copy.slice(0, -3)} to have format ${old} or older`)
})

it('takes several steps at once, and misses none', async () => {
  const { open } = await oldFolder()
  const steps = { [old]: next.steps[old] as string, [old + 1]: "UPDATE topic SET note = 'seen'" }
  const db = open({ ...next, version: old + 2, steps })
  expect(db.prepare('SELECT note FROM topic').all()).toEqual([{ note: 'seen' }])
  db.close()
  const without = await oldFolder()
  expect(() => without.open({ ...next, version: old + 2 })).toThrow(
    `to have format ${old + 2} or newer, got format ${old}`,
  )
  expect(formatIn(without.path)).toBe(old)
})

it('changes nothing when a step fails', async () => {
  const { path, open } = await oldFolder()
  const failing = nextHistory('ALTER TABLE topic ADD COLUMN note TEXT; SELECT * FROM nowhere')
  expect(() => open(failing)).toThrow('nowhere')
  expect(formatIn(path)).toBe(old)
  expect(open(next).prepare('SELECT note FROM topic').all()).toEqual([{ note: null }])
})

it('refuses while another program has the file open, and goes on once it has closed it', async () => {
  const { open, path } = await oldFolder()
  const other = open()
  expect(() => open(next)).toThrow(expect.objectContaining({ reason: 'busy', retryable: true }))
  await sqliteDocuments(other).create('b', { n: 2 })
  other.close()
  expect(formatIn(path)).toBe(old)
  expect(await sqliteDocuments(open(next)).read('b')).toMatchObject({ value: { n: 2 } })
})

it('has the old number after a kill in the middle, and is brought on at the next start', async () => {
  const { folder, path, copy, open } = await oldFolder()
  // Longer than the test waits: it is killed inside its transaction.
  const endless = `ALTER TABLE topic ADD COLUMN note TEXT;
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) INSERT INTO meta SELECT 'x' || i, 'x' FROM n`
  const script = new URL('upgrade-peer.ts', import.meta.url)
  const peer = startChild({ script, args: [folder, JSON.stringify(nextHistory(endless))] })
  await peer.hear('upgrading')
  const isInside = () => existsSync(copy) && existsSync(`${path}-journal`)
  await expect.poll(isInside, { timeout: 20_000 }).toBe(true)
  await peer.signal('SIGKILL')
  const db = open(next)
  expect(formatOf(db)).toBe(old + 1)
  expect(db.prepare('SELECT count(*) AS n FROM meta').get()).toEqual({ n: 2 })
  expect(await sqliteDocuments(db).read('a')).toMatchObject({ value: { n: 1 } })
})

it('lets several programs open an old folder at once: one brings it on', async () => {
  const { folder, open } = await oldFolder()
  const script = new URL('upgrade-peer.ts', import.meta.url)
  const peers = [1, 2, 3].map(() => startChild({ script, args: [folder, JSON.stringify(next)] }))
  await Promise.all(peers.map((peer) => peer.hear('open')))
  expect(formatOf(open(next))).toBe(old + 1)
})
