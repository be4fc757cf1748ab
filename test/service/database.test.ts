import { mkdir, mkdtemp, open, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { databaseName, openDatabase } from '../../lib/service/database.ts'
import { applicationId, schemaHistory } from '../../lib/service/database-schema.ts'
import { sqliteDocuments } from '../../lib/store/sqlite.ts'
import { startChild } from '../store/child.ts'

const schemaVersion = schemaHistory.version

describe('openDatabase', () => {
  let parent: string
  let folder: string
  let path: string
  const opened: DatabaseSync[] = []
  beforeEach(async () => {
    parent = await mkdtemp(join(tmpdir(), 'contrastream-database-'))
    folder = join(parent, 'data')
    path = join(folder, databaseName)
  })
  afterEach(async () => {
    for (const db of opened.splice(0)) if (db.isOpen) db.close()
    await rm(parent, { recursive: true })
  })

  function opening(): DatabaseSync {
    const db = openDatabase(folder)
    opened.push(db)
    return db
  }
  const pragma = (db: DatabaseSync, name: string) =>
    Object.values(db.prepare(`PRAGMA ${name}`).get() ?? {})[0]

  /** A sound database with some content, closed. */
  async function filled(): Promise<void> {
    const db = opening()
    const documents = sqliteDocuments(db)
    for (let i = 0; i < 50; i++) await documents.create(`a/${i}`, { text: 'x'.repeat(5_000) })
    db.close()
  }

  async function overwrite(at: number, bytes: Uint8Array): Promise<void> {
    const file = await open(path, 'r+')
    await file.write(bytes, 0, bytes.length, at)
    await file.close()
  }

  it('makes a folder for its owner alone', async () => {
    opening()
    expect((await stat(folder)).mode & 0o777).toBe(0o700)
  })

  it('marks a new file as ours, with the number of its format', () => {
    const db = opening()
    expect(pragma(db, 'application_id')).toBe(applicationId)
    expect(pragma(db, 'user_version')).toBe(schemaVersion)
  })

  it.each([
    ['journal_mode', 'wal'],
    ['synchronous', 2], // FULL
    ['foreign_keys', 1],
    ['auto_vacuum', 2], // INCREMENTAL
    ['busy_timeout', 5_000],
    ['journal_size_limit', 64 * 1024 * 1024],
  ])('sets %s to %s', (name, value) => {
    expect(pragma(opening(), name)).toBe(value)
  })

  it('finds again what it wrote, under the same identity', async () => {
    const first = opening()
    const identity = (db: DatabaseSync) =>
      db.prepare("SELECT value FROM meta WHERE key = 'uuid'").get()?.['value']
    const before = identity(first)
    await sqliteDocuments(first).create('a', { n: 1 })
    first.close()
    const second = opening()
    expect(identity(second)).toBe(before)
    expect(await sqliteDocuments(second).read('a')).toMatchObject({ value: { n: 1 } })
  })

  it('lets two processes make the same folder at once', async () => {
    const program = { script: new URL('../store/local-peer.ts', import.meta.url), args: [folder] }
    const peers = Array.from({ length: 3 }, () => startChild(program))
    await Promise.all(peers.map((peer) => peer.hear('open')))
    await Promise.all(peers.map((peer) => peer.signal('SIGKILL')))
    expect(opening().prepare('SELECT count(*) AS n FROM meta').get()).toEqual({ n: 2 })
  })

  it('refuses a newer format and names both numbers', async () => {
    const db = opening()
    db.exec(`PRAGMA user_version = ${schemaVersion + 1}`)
    db.close()
    expect(opening).toThrow(
      `openDatabase: expected ${path} to have format ${schemaVersion} or older, ` +
        `got format ${schemaVersion + 1}`,
    )
    expect(opening).toThrow(expect.objectContaining({ reason: 'newer-format', retryable: false }))
  })

  it('leaves a newer format as it is', () => {
    const db = opening()
    db.exec('PRAGMA user_version = 99')
    expect(opening).toThrow('got format 99')
    expect(pragma(db, 'user_version')).toBe(99)
  })

  it('refuses the database of another program and leaves it as it is', async () => {
    await mkdir(folder)
    const other = new DatabaseSync(path)
    other.exec('CREATE TABLE theirs (a)')
    other.close()
    const before = (await stat(path)).mtimeMs
    expect(opening).toThrow(expect.objectContaining({ reason: 'foreign' }))
    expect((await stat(path)).mtimeMs).toBe(before)
    const again = new DatabaseSync(path)
    opened.push(again)
    expect(again.prepare('SELECT name FROM sqlite_schema').all()).toEqual([{ name: 'theirs' }])
  })

  it.each([
    ['NFS', 0x6969],
    ['SMB2', -0x1acb2be], // 0xfe534d42 as a signed number
  ])('refuses a folder on %s', (name, type) => {
    const remote = () => openDatabase(folder, { fileSystemOf: () => type })
    expect(remote).toThrow(`expected a folder on a local disk, got ${folder} on ${name}`)
    expect(remote).toThrow(expect.objectContaining({ reason: 'network-file-system' }))
  })

  it('refuses a path that is a file, and names it', async () => {
    await writeFile(folder, 'a file')
    expect(opening).toThrow(`expected a folder that can be made, got ${folder}`)
    expect(opening).toThrow(expect.objectContaining({ code: 'STORE', reason: 'folder' }))
  })

  it('refuses a folder below a file', async () => {
    await writeFile(join(parent, 'file'), '')
    expect(() => openDatabase(join(parent, 'file', 'data'))).toThrow(
      expect.objectContaining({ reason: 'folder' }),
    )
  })

  it('refuses a database that is a folder', async () => {
    await mkdir(path, { recursive: true })
    expect(opening).toThrow(expect.objectContaining({ reason: 'folder' }))
  })

  it('refuses a file that is no database', async () => {
    await mkdir(folder)
    await writeFile(path, 'no database at all, but long enough to have a header'.repeat(100))
    expect(opening).toThrow(`expected ${path} to be sound`)
    expect(opening).toThrow(expect.objectContaining({ reason: 'damaged' }))
  })

  it('refuses a database with a flipped byte in its structure', async () => {
    await filled()
    await overwrite(2 * 4096, Uint8Array.of(0x77)) // the type of a page in the middle
    expect(opening).toThrow(expect.objectContaining({ reason: 'damaged' }))
  })

  it('refuses a database whose end is missing', async () => {
    await filled()
    const file = await open(path, 'r+')
    await file.truncate(((await file.stat()).size / 2) & ~4095)
    await file.close()
    expect(opening).toThrow(/restore the data folder from a backup/)
  })

  it('skips the look for damage when told to', async () => {
    await filled()
    await overwrite(2 * 4096, Uint8Array.of(0x77))
    const db = openDatabase(folder, { check: false })
    opened.push(db)
    expect(db.isOpen).toBe(true)
  })

  it('leaves no open database behind when it refuses', async () => {
    const db = opening()
    db.exec(`PRAGMA user_version = ${schemaVersion + 1}`)
    db.close()
    expect(opening).toThrow()
    const raw = new DatabaseSync(path, { timeout: 0 })
    opened.push(raw)
    // Leaving the write-ahead log needs the file for itself.
    expect(pragma(raw, 'journal_mode = DELETE')).toBe('delete')
  })
})
