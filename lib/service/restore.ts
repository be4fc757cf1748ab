import { mkdir, readdir, rename, rm, rmdir } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { Config } from '../config/schema.ts'
import { ConfigError } from '../errors.ts'
import { unlessAbsent } from '../store/file-write.ts'
import { type BackupManifest, backupNames, readManifest } from './backup-format.ts'
import { verifySnapshot } from './backup-read.ts'
import { fillFolder, fillPorts } from './restore-fill.ts'
import { syncPath } from './sync-path.ts'

/** What a restore has done. */
export interface RestoreReport {
  readonly manifest: BackupManifest
  /** Whether the log came with it, or is the one that the backup was made of. */
  readonly hasLog: boolean
}

/** Folder, inside the data folder, of what is not whole yet. */
const unfinishedName = 'restoring'

/**
 * Puts a backup where the configuration says, all of it verified on the way.
 *
 * The database of a data folder appears by one rename, after everything else; in a bucket documents
 * come last.
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
  const unfinished = join(folder, unfinishedName)
  // Not by a rename of the folder itself: it may be a mounted volume.
  const isMade = (await mkdir(folder, { recursive: true, mode: 0o700 })) !== undefined
  try {
    await clear(folder) // of a restore that was killed
    await mkdir(unfinished, { mode: 0o700 })
    if (isSamePlace) await fillFolder(unfinished, backup, manifest, signal)
    else await fillPorts({ ...config, data: unfinished }, backup, manifest, signal)
    await moveUp(unfinished, folder)
  } catch (error) {
    await clear(folder)
    if (isMade) await rmdir(folder)
    throw error
  }
  const hasLog =
    config.stream.adapter === manifest.stream && (isSamePlace || manifest.stream === 'kafka')
  return { manifest, hasLog }
}

async function expectEmptyFolder(folder: string): Promise<void> {
  const names = (await readdir(folder).catch(unlessAbsent)) ?? []
  const isKilled = names.includes(unfinishedName) && !names.includes(backupNames.database)
  if (names.length === 0 || (isKilled && names.every((name) => leftBehind.has(name)))) return
  throw new ConfigError(
    `restore: expected ${folder} to be absent or empty, got ${names.length} files; choose another --data folder`,
  )
}

/** What a restore that was killed leaves; the database comes last. */
const leftBehind: ReadonlySet<string> = new Set([unfinishedName, 'blobs'])

async function clear(folder: string): Promise<void> {
  for (const name of ['blobs', unfinishedName]) {
    await rm(join(folder, name), { recursive: true, force: true })
  }
}

/** Puts the content of a folder into the one above, the database last: it makes a data folder. */
async function moveUp(from: string, to: string): Promise<void> {
  const names = await readdir(from)
  const first = names.filter((name) => name !== backupNames.database)
  await syncPath(from)
  for (const name of first) await rename(join(from, name), join(to, name))
  await syncPath(to)
  await rename(join(from, backupNames.database), join(to, backupNames.database))
  await rmdir(from)
  await syncPath(to)
  await syncPath(dirname(to))
}
