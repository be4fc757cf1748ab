import { mkdtemp, open, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openDatabase } from '../../lib/service/database.ts'

describe('openDatabase', () => {
  let folder: string
  let file: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'contrastream-database-'))
    file = join(folder, 'contrastream.db')
  })
  afterEach(() => rm(folder, { recursive: true }))

  /** Opens and closes it once. */
  const make = () => openDatabase(folder).close()
  const identity = (db: DatabaseSync) =>
    db.prepare("SELECT value FROM meta WHERE key = 'uuid'").get()?.['value']

  it('makes the folder, closed to others, and what is in it', async () => {
    const deep = join(folder, 'a', 'b')
    openDatabase(deep).close()
    expect((await stat(deep)).mode & 0o077).toBe(0)
    expect((await stat(join(deep, 'contrastream.db'))).isFile()).toBe(true)
  })

  it('finds the same database again', () => {
    const first = openDatabase(folder)
    const second = openDatabase(folder)
    expect(identity(second)).toEqual(identity(first))
    expect(identity(second)).toMatch(/^[0-9a-f-]{36}$/)
    first.close()
    second.close()
  })

  it('makes every commit durable, in a write-ahead log', () => {
    const db = openDatabase(folder)
    expect(db.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' })
    expect(db.prepare('PRAGMA synchronous').get()).toEqual({ synchronous: 2 })
    db.close()
  })

  it('refuses a file where a folder should be', async () => {
    const path = join(folder, 'file')
    await writeFile(path, 'not a folder')
    expect(() => openDatabase(path)).toThrow(
      expect.objectContaining({ code: 'STORE', reason: 'folder' }),
    )
  })

  it('refuses a folder that other machines mount, and says what to do', () => {
    expect(() => openDatabase(folder, { fileSystemOf: () => 0x6969 })).toThrow(
      `expected a folder on a local disk, got ${folder} on NFS; choose a folder on this machine`,
    )
  })

  it('refuses a newer format and leaves it as it is', () => {
    make()
    const db = new DatabaseSync(file)
    db.exec('PRAGMA user_version = 99')
    expect(() => openDatabase(folder)).toThrow(
      expect.objectContaining({ reason: 'newer-format', message: expect.stringContaining('99') }),
    )
    expect(db.prepare('PRAGMA user_version').get()).toEqual({ user_version: 99 })
    db.close()
  })

  it("refuses another program's database and adds nothing to it", () => {
    const db = new DatabaseSync(file)
    db.exec('CREATE TABLE theirs (a)')
    expect(() => openDatabase(folder)).toThrow(expect.objectContaining({ reason: 'foreign' }))
    expect(db.prepare('SELECT name FROM sqlite_schema').all()).toEqual([{ name: 'theirs' }])
    db.close()
  })

  it('calls a file that is no database damaged', async () => {
    await writeFile(file, 'x'.repeat(10_000))
    expect(() => openDatabase(folder)).toThrow(expect.objectContaining({ reason: 'damaged' }))
  })

  it('finds overwritten pages when it is told to check', async () => {
    const db = openDatabase(folder)
    const insert = db.prepare("INSERT INTO document VALUES (?, 1, '{}')")
    for (let i = 0; i < 2_000; i++) insert.run(`key/${i}`)
    db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
    db.close()
    const { size } = await stat(file)
    const bytes = await open(file, 'r+')
    await bytes.write(new Uint8Array(4_096).fill(255), 0, 4_096, size - 8_192)
    await bytes.close()
    expect(() => openDatabase(folder)).toThrow(
      expect.objectContaining({
        reason: 'damaged',
        message: expect.stringContaining('restore the data folder from a backup'),
      }),
    )
  })
})
