import type { DatabaseSync } from 'node:sqlite'
import { StoreError } from '../errors.ts'
import { applicationId } from './database-schema.ts'

/** The one value that a pragma answers with. */
export function pragma(db: DatabaseSync, text: string): unknown {
  const row = db.prepare(`PRAGMA ${text}`).get()
  return row && Object.values(row)[0]
}

/**
 * Format number of a database of ours, 0 if the file is empty.
 *
 * @param newest - The newest format that this program reads.
 * @throws {@link StoreError} with reason `foreign` or `newer-format`.
 */
export function readFormat(db: DatabaseSync, path: string, newest: number): number {
  const owner = pragma(db, 'application_id')
  const format = Number(pragma(db, 'user_version'))
  if (
    owner === 0 &&
    format === 0 &&
    db.prepare('SELECT 1 FROM sqlite_schema').get() === undefined
  ) {
    return 0
  }
  if (owner !== applicationId) {
    const message = `openDatabase: expected ${path} to be a database of contrastream`
    throw new StoreError(`${message}, got application id ${owner}; choose another folder`, {
      reason: 'foreign',
    })
  }
  if (format > newest) {
    const message = `openDatabase: expected ${path} to have format ${newest} or older`
    throw new StoreError(`${message}, got format ${format}; use the program that wrote it`, {
      reason: 'newer-format',
    })
  }
  return format
}
