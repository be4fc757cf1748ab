import { stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { backup as copyDatabase, DatabaseSync } from 'node:sqlite'
import { StoreError } from '../errors.ts'
import { listAll, readFound } from '../registry/document.ts'
import { fileBlobs } from '../store/file.ts'
import { spaces } from '../store/file-layout.ts'
import { sqliteDocuments } from '../store/sqlite.ts'
import type { BlobStore, DocumentStore } from '../store/types.ts'
import {
  type BackupBlob,
  type BackupDocument,
  type BackupFile,
  backupNames,
} from './backup-format.ts'
import { fileDigest } from './file-digest.ts'
import type { Pipeline } from './open-pipeline.ts'

/** What stood in the stores at one moment. */
export interface Snapshot {
  readonly documents: readonly BackupDocument[]
  /** Blobs that stay as long as nobody collects. */
  readonly blobs: readonly BackupBlob[]
  /** The copy of the SQLite file, where there is one. */
  readonly files: readonly BackupFile[]
}

/** Pages a step: one that is interrupted by another process's write begins anew. */
const wholeFile = 2 ** 31 - 1

/**
 * Reads a snapshot of the stores while roles work on them; nobody may collect meanwhile.
 *
 * What lies in SQLite is one moment of it. Documents of a bucket are read from those that name to
 * those that are named, so that nothing is named that was read too early to be there; and before a
 * log in SQLite, so that no offset lies beyond its end.
 *
 * @param folder - Where the copy of the SQLite file goes.
 * @throws {@link StoreError} if a store is out of reach.
 */
export async function takeSnapshot(pipeline: Pipeline, folder: string): Promise<Snapshot> {
  const { config } = pipeline
  if (config.store.adapter === 'file') {
    const copy = await copied(pipeline, folder)
    try {
      const documents = await readAll(sqliteDocuments(copy))
      const blobs = await listBlobs(fileBlobs(config.data, copy))
      copy.close() // else the file is not whole
      return { documents, blobs, files: [await databaseFile(folder)] }
    } finally {
      if (copy.isOpen) copy.close()
    }
  }
  const documents = await readAll(pipeline.documents)
  const blobs = await listBlobs(pipeline.blobs)
  if (config.stream.adapter !== 'sqlite') return { documents, blobs, files: [] }
  const copy = await copied(pipeline, folder)
  copy.close()
  return { documents, blobs, files: [await databaseFile(folder)] }
}

const databaseFile = (folder: string): Promise<BackupFile> =>
  fileOf(join(folder, backupNames.database))

/** Copies the SQLite file in one step, and has the copy need no file beside it. */
async function copied({ database }: Pipeline, folder: string): Promise<DatabaseSync> {
  const path = join(folder, backupNames.database)
  try {
    await copyDatabase(database, path, { rate: wholeFile })
    const copy = new DatabaseSync(path)
    copy.exec('PRAGMA journal_mode = DELETE')
    return copy
  } catch (cause) {
    const message = `backup: expected a copy of the database at ${path}, got: ${String(cause)}`
    throw new StoreError(message, { cause })
  }
}

/** Prefixes whose documents name others, those first that nothing else names. */
const naming = ['channels/', 'checkpoint/', 'generations/', 'versions/']

async function readAll(documents: DocumentStore): Promise<BackupDocument[]> {
  const found = new Map<string, BackupDocument>()
  for (const prefix of [...naming, '']) {
    for (const key of await listAll(documents, prefix)) {
      if (found.has(key)) continue
      const one = await readFound(documents, key)
      if (one !== undefined) found.set(key, { key, value: one.value })
    }
  }
  return [...found.values()]
}

async function listBlobs(store: BlobStore): Promise<BackupBlob[]> {
  const found: BackupBlob[] = []
  for (const space of spaces) {
    for await (const { digest, bytes, kept } of store.list(space)) {
      found.push({ space, digest, bytes, kept })
    }
  }
  return found
}

async function fileOf(path: string): Promise<BackupFile> {
  const [sha256, { size: bytes }] = [await fileDigest(path), await stat(path)]
  return { name: basename(path), bytes, sha256 }
}
