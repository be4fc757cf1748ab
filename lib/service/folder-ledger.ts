import type { DatabaseSync } from 'node:sqlite'

/** A file as it was when it was taken in. */
export interface FileState {
  readonly path: string
  readonly bytes: number
  /** Time of its last change, ms since 1970. */
  readonly changedAt: number
}

/** Files whose record was acknowledged, so that a restart does not send them again. */
export interface FolderLedger {
  /** Whether the file, unchanged, was taken in or set aside before. */
  has(file: FileState): boolean
  /** Remembers files; called once their records are durable. */
  add(files: readonly FileState[]): void
}

/** The ledger in the data folder's database. Losing it costs duplicates, nothing else. */
export function folderLedger(database: DatabaseSync): FolderLedger {
  database.exec(`CREATE TABLE IF NOT EXISTS taken_file (path TEXT PRIMARY KEY, bytes INTEGER NOT NULL,
    changed_at REAL NOT NULL) STRICT`)
  const find = database.prepare('SELECT bytes, changed_at FROM taken_file WHERE path = ?')
  const write = database.prepare('INSERT OR REPLACE INTO taken_file VALUES (?, ?, ?)')
  return {
    has: ({ path, bytes, changedAt }) => {
      const row = find.get(path)
      return row?.['bytes'] === bytes && row['changed_at'] === changedAt
    },
    add: (files) => {
      database.exec('BEGIN IMMEDIATE')
      try {
        for (const { path, bytes, changedAt } of files) write.run(path, bytes, changedAt)
        database.exec('COMMIT')
      } catch (error) {
        if (database.isTransaction) database.exec('ROLLBACK')
        throw error
      }
    },
  }
}
