import { copyFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Config } from '../config/schema.ts'
import { ConfigError, StoreError } from '../errors.ts'
import { plainJson } from '../registry/canonical.ts'
import { listAll, readDocument, readFound } from '../registry/document.ts'
import { leaseKind } from '../registry/lease-document.ts'
import { fewAtATime } from '../store/few-at-a-time.ts'
import { blobLayout } from '../store/file-layout.ts'
import { durableFiles } from '../store/file-write.ts'
import { sqliteDocuments } from '../store/sqlite.ts'
import type { DocumentStore, JsonObject } from '../store/types.ts'
import {
  type BackupBlob,
  type BackupManifest,
  backupNames,
  damagedBackup,
  snapshotFolder,
} from './backup-format.ts'
import { readBackupBlob, readBlobs, readDocuments } from './backup-read.ts'
import { openDatabase } from './database.ts'
import { openStores } from './open-stores.ts'
import { syncPath } from './sync-path.ts'

/** Blobs that are in memory at a time: one may have 1 GiB. */
const atOnce = 4
const leasePrefix = 'lease/'

/** A data folder as it was: blobs, then the database. */
export async function fillFolder(
  folder: string,
  backup: string,
  manifest: BackupManifest,
  signal: AbortSignal,
): Promise<void> {
  const to = blobLayout(folder)
  const files = durableFiles(to.root, to.temporary)
  await eachBlob(backup, manifest, signal, ({ space, digest }, bytes) =>
    files.write(to.file(space, digest), bytes),
  )
  const database = join(folder, backupNames.database)
  await copyFile(join(snapshotFolder(backup, manifest.seq), backupNames.database), database)
  await checkDatabase(backup, manifest, folder)
  await rm(to.temporary, { recursive: true, force: true })
  await syncPath(database)
}

/** Opens the database as roles will, and gives back what processes of old times held. */
async function checkDatabase(
  backup: string,
  manifest: BackupManifest,
  folder: string,
): Promise<void> {
  const database = openDatabase(folder)
  try {
    const documents = sqliteDocuments(database)
    const stored = await listAll(documents, '')
    if (stored.length !== manifest.documents) {
      const path = join(snapshotFolder(backup, manifest.seq), backupNames.database)
      throw damagedBackup(path, `${manifest.documents} documents`)
    }
    await releaseLeases(documents)
  } finally {
    database.close()
  }
}

async function releaseLeases(documents: DocumentStore): Promise<void> {
  for (const key of await listAll(documents, leasePrefix)) {
    const found = await readFound(documents, key)
    if (found === undefined) continue
    await documents.swap(key, released(key, found.value), found.tag)
  }
}

/** A lease without its holder; its number stays, so that the next one's is larger. */
function released(key: string, value: JsonObject): JsonObject {
  const { owner: _, ...free } = readDocument(key, value, leaseKind)
  return plainJson(free)
}

/** Everything through the ports: another kind of place than the backup was made of. */
export async function fillPorts(
  config: Config,
  backup: string,
  manifest: BackupManifest,
  signal: AbortSignal,
): Promise<void> {
  const database = openDatabase(config.data)
  const stores = await openStores(config, database)
  try {
    const [first] = await stores.documents.list('', { limit: 1 })
    if (first !== undefined) {
      throw new ConfigError(
        `restore: expected no documents there, got ${first}; choose another store.s3.prefix`,
      )
    }
    await eachBlob(backup, manifest, signal, async ({ space, digest, kept }, bytes) => {
      await stores.blobs.put(space, bytes)
      if (kept) await stores.blobs.keep(digest)
    })
    // The pipeline's own document last: what is cut off before is known by its absence.
    const documents = await readDocuments(backup, manifest)
    const isOwn = ({ key }: (typeof documents)[number]) => key === 'pipeline'
    for (const { key, value } of [
      ...documents.filter((one) => !isOwn(one)),
      ...documents.filter(isOwn),
    ]) {
      signal.throwIfAborted()
      const write = await stores.documents.create(
        key,
        key.startsWith(leasePrefix) ? released(key, value) : value,
      )
      if (write.ok) continue
      throw new StoreError(`restore: expected ${key} to be absent, somebody else writes there`)
    }
  } finally {
    stores.close()
    database.close()
  }
}

/** Hands over each blob of a backup, verified. */
async function eachBlob(
  backup: string,
  manifest: BackupManifest,
  signal: AbortSignal,
  work: (blob: BackupBlob, bytes: Uint8Array) => Promise<unknown>,
): Promise<void> {
  const layout = blobLayout(backup)
  await fewAtATime(await readBlobs(backup, manifest), atOnce, async (blob) => {
    signal.throwIfAborted()
    await work(blob, await readBackupBlob(layout, blob))
  })
}
