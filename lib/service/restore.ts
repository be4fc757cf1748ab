import { copyFile, mkdir, open, readdir, rename, rm, rmdir } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { Config } from '../config/schema.ts'
import { ConfigError, StoreError } from '../errors.ts'
import { plainJson } from '../registry/canonical.ts'
import { listAll, readDocument, readFound } from '../registry/document.ts'
import { leaseKind } from '../registry/lease-document.ts'
import { blobLayout } from '../store/file-layout.ts'
import { durableFiles, unlessAbsent } from '../store/file-write.ts'
import { sqliteDocuments } from '../store/sqlite.ts'
import type { DocumentStore, JsonObject } from '../store/types.ts'
import {
  type BackupBlob,
  type BackupManifest,
  backupNames,
  damagedBackup,
  readBackupBlob,
  readBlobs,
  readDocuments,
  readManifest,
  snapshotFolder,
  verifySnapshot,
} from './backup-format.ts'
import { openDatabase } from './database.ts'
import { fewAtATime } from './few-at-a-time.ts'
import { openStores } from './open-stores.ts'

/** What a restore has done. */
export interface RestoreReport {
  readonly manifest: BackupManifest
  /** Whether the log came with it, or is the one that the backup was made of. */
  readonly hasLog: boolean
}

const atOnce = 4
const leasePrefix = 'lease/'

/**
 * Puts a backup where the configuration says, all of it verified on the way.
 *
 * A data folder appears by one rename, once everything is in it; in a bucket documents come last.
 * What is cut off before leaves nothing that a role would begin from.
 *
 * @param source - Folder of the backup.
 * @throws {@link ConfigError} unless the place is empty and the pipeline has the backup's name;
 * {@link ArtifactError} naming the first file that is missing or damaged; {@link MissingError} if
 * there is no whole backup.
 */
export async function restore(
  config: Config,
  source: string,
  signal: AbortSignal,
): Promise<RestoreReport> {
  const backup = resolve(source)
  const manifest = await readManifest(backup)
  if (manifest.name !== config.name) {
    throw new ConfigError(
      `restore: expected a backup of ${config.name}, got that of ${manifest.name}; set name: ${manifest.name}`,
    )
  }
  await expectEmptyFolder(config.data)
  await verifySnapshot(backup, manifest)
  const isSamePlace =
    config.store.adapter === 'file' &&
    manifest.store === 'file' &&
    config.stream.adapter === manifest.stream
  const folder = resolve(config.data)
  const unfinished = `${folder}.restoring`
  try {
    await rm(unfinished, { recursive: true, force: true }) // of a restore that was killed
    await mkdir(unfinished, { recursive: true, mode: 0o700 })
    if (isSamePlace) await fillFolder(unfinished, backup, manifest, signal)
    else await fillPorts({ ...config, data: unfinished }, backup, manifest, signal)
    await sync(unfinished)
    await rmdir(folder).catch(unlessAbsent)
    await rename(unfinished, folder)
    await sync(dirname(folder))
  } finally {
    await rm(unfinished, { recursive: true, force: true })
  }
  const hasLog =
    config.stream.adapter === manifest.stream && (isSamePlace || manifest.stream === 'kafka')
  return { manifest, hasLog }
}

async function expectEmptyFolder(folder: string): Promise<void> {
  const names = (await readdir(folder).catch(unlessAbsent)) ?? []
  if (names.length === 0) return
  throw new ConfigError(
    `restore: expected ${folder} to be absent or empty, got ${names.length} files; choose another --data folder`,
  )
}

/** A data folder as it was: blobs, then the database. */
async function fillFolder(
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
  await sync(database)
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
async function fillPorts(
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

async function sync(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
