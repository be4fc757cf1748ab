import { randomInt } from 'node:crypto'
import { closeSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { StoreError } from '../errors.ts'
import { transact } from '../store/sqlite-commit.ts'
import { sqliteFault } from '../store/sqlite-faults.ts'
import { pragma, readFormat } from './database-format.ts'
import type { SchemaHistory } from './database-schema.ts'

/** How long others may take to close the file, ms. */
const patienceMs = 5_000

/**
 * Brings a database to the format of this program: first a copy `<path>.v<old>`, then one
 * transaction with all steps, which ends with the new number. Killed at any point it has the old
 * format or the new one.
 *
 * Nobody else may have the file open: a program of the old format would go on writing it.
 *
 * @throws {@link StoreError} with reason `busy` if somebody has; with `format` if no step leads on
 * from its number; as `openDatabase` for what disk and file are at fault for.
 */
export function upgradeDatabase(path: string, history: SchemaHistory): void {
  const end = performance.now() + patienceMs
  while (!upgraded(path, history)) {
    if (performance.now() > end) {
      throw new StoreError(
        `openDatabase: expected nobody else to have ${path} open while its format changes, somebody has; stop what works on the folder and try again`,
        { reason: 'busy', retryable: true },
      )
    }
    // Of two who try at once one has to be first.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, randomInt(10, 60))
  }
}

/** Whether it has the new format now; false if somebody else has the file open. */
function upgraded(path: string, history: SchemaHistory): boolean {
  // A connection of its own each time: one that waits would be in the way of others.
  const db = new DatabaseSync(path, { timeout: 0 })
  try {
    const format = readFormat(db, path, history.version)
    if (format === 0 || format === history.version) return true
    const steps = stepsFrom(format, path, history)
    if (!holdAlone(db)) return false
    copyTo(`${path}.v${format}`, db)
    migrate(db, steps, history.version)
    return true
  } catch (error) {
    if (sqliteFault(error) === 'busy') return false
    throw error
  } finally {
    db.close()
  }
}

/** Takes the file for this connection alone, until it is closed; false while others have it open. */
function holdAlone(db: DatabaseSync): boolean {
  db.exec('PRAGMA locking_mode = EXCLUSIVE')
  // Leaving the write-ahead log shows that nobody else is there; the transaction takes the lock.
  if (pragma(db, 'journal_mode = DELETE') !== 'delete') return false
  db.exec('BEGIN EXCLUSIVE; COMMIT')
  return true
}

/** @throws {@link StoreError} if one is missing: the file is older than this program reads. */
function stepsFrom(format: number, path: string, { version, steps }: SchemaHistory): string[] {
  return Array.from({ length: version - format }, (_, i) => {
    const step = steps[format + i]
    if (step !== undefined) return step
    throw new StoreError(
      `openDatabase: expected ${path} to have format ${format + i + 1} or newer, got format ${format}; open it with an older program first`,
      { reason: 'format' },
    )
  })
}

/** A whole and durable copy under its name, or none. */
function copyTo(copy: string, db: DatabaseSync): void {
  const unfinished = `${copy}.unfinished`
  rmSync(unfinished, { force: true })
  db.prepare('VACUUM INTO ?').run(unfinished)
  sync(unfinished)
  renameSync(unfinished, copy)
  sync(dirname(copy))
}

function migrate(db: DatabaseSync, steps: readonly string[], version: number): void {
  db.exec('PRAGMA synchronous = FULL; PRAGMA foreign_keys = OFF')
  transact(db, () => {
    for (const step of steps) db.exec(step)
    db.exec(`PRAGMA user_version = ${version}`)
  })
}

function sync(path: string): void {
  const file = openSync(path, 'r')
  try {
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}
