import { rmSync, statSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import { groupCommit, transact } from './sqlite-commit.ts'
import type { Digest, Space } from './types.ts'

/** What the table `blob` says of one blob. */
export interface BlobRow {
  readonly digest: Digest
  readonly bytes: number
  /** When it was last put or kept, ms since 1970. */
  readonly at: number
  readonly kept: number
}

/**
 * The table `blob`: a blob is there when its row is. The write lock of the database settles every
 * race for a file: rows are added only while it is there, files removed only while the row is not.
 */
export interface BlobRows {
  find(space: Space, digest: Digest): BlobRow | undefined
  /** Adds the row, or renews it if it is older than `renewedBefore`; false if the file is gone. */
  add(blob: NewBlob, renewedBefore: number): Promise<boolean>
  /** Sets whether a picture is kept; renews a kept one. False if it is gone. */
  mark(digest: Digest, file: string, kept: boolean, at: number): Promise<boolean>
  /** Removes the row if it is not kept and not younger; false if it stays or was not there. */
  drop(space: Space, digest: Digest, notAfter: number): Promise<boolean>
  /** Removes a file that has no row; false if there is one. */
  removeOrphan(space: Space, digest: Digest, file: string): Promise<boolean>
  /** The next rows in order of digest. */
  page(space: Space, after: Digest, kept: boolean | undefined, limit: number): BlobRow[]
}

/** A blob whose file is in place. */
export interface NewBlob {
  readonly space: Space
  readonly digest: Digest
  readonly file: string
  readonly bytes: number
  readonly at: number
}

/** Rows of blobs in an open database. */
export function blobRows(db: DatabaseSync): BlobRows {
  const commit = groupCommit(db)
  const columns = 'digest, bytes, at, kept'
  const select = db.prepare(`SELECT ${columns} FROM blob WHERE space = ? AND digest = ?`)
  const upsert = db.prepare(
    `INSERT INTO blob (space, digest, bytes, at, kept) VALUES (?, ?, ?, ?, 0)
     ON CONFLICT DO UPDATE SET bytes = excluded.bytes, at = MAX(at, excluded.at)
     WHERE at < ? OR bytes <> excluded.bytes`,
  )
  const keep = db.prepare(
    "UPDATE blob SET kept = 1, at = MAX(at, ?) WHERE space = 'pictures' AND digest = ?",
  )
  const unkeep = db.prepare("UPDATE blob SET kept = 0 WHERE space = 'pictures' AND digest = ?")
  const remove = db.prepare(
    'DELETE FROM blob WHERE space = ? AND digest = ? AND kept = 0 AND at <= ?',
  )
  const pageOf = db.prepare(
    `SELECT ${columns} FROM blob WHERE space = ? AND digest > ? AND kept BETWEEN ? AND ?
     ORDER BY digest LIMIT ?`,
  )
  const find = (space: Space, digest: Digest) =>
    select.get(space, digest) as unknown as BlobRow | undefined

  return {
    find,
    add: ({ space, digest, file, bytes, at }, renewedBefore) =>
      commit(() => {
        if (statSync(file, { throwIfNoEntry: false })?.size !== bytes) return false
        upsert.run(space, digest, bytes, at, renewedBefore)
        return true
      }),
    mark: (digest, file, kept, at) =>
      commit(() => {
        if (!kept) return unkeep.run(digest).changes === 1
        if (statSync(file, { throwIfNoEntry: false }) === undefined) return false
        return keep.run(at, digest).changes === 1
      }),
    drop: (space, digest, notAfter) =>
      commit(() => remove.run(space, digest, notAfter).changes === 1),
    // In a transaction of its own: what the folder refuses must not fail another's write.
    removeOrphan: async (space, digest, file) =>
      transact(db, () => {
        if (find(space, digest) !== undefined) return false
        rmSync(file, { force: true })
        return true
      }),
    page: (space, after, kept, limit) =>
      pageOf.all(space, after, kept ? 1 : 0, kept === false ? 0 : 1, limit) as unknown as BlobRow[],
  }
}
