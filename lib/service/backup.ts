import { existsSync } from 'node:fs'
import { mkdir, readdir, rm } from 'node:fs/promises'
import { isAbsolute, join, relative, resolve } from 'node:path'
import { BusyError, ConfigError } from '../errors.ts'
import type { Clock } from '../registry/clock.ts'
import { digestOf } from '../registry/digest.ts'
import { blobLayout } from '../store/file-layout.ts'
import { durableFiles, unlessAbsent } from '../store/file-write.ts'
import type { Amount } from '../store/types.ts'
import { copyBlobs, prune } from './backup-blobs.ts'
import {
  type BackupFile,
  type BackupManifest,
  backupNames,
  jsonLines,
  readManifest,
  sealManifest,
  snapshotFolder,
} from './backup-format.ts'
import { takeSnapshot } from './backup-snapshot.ts'
import { asOnlyCollector } from './housekeeping-lease.ts'
import type { Pipeline } from './open-pipeline.ts'
import { programVersion } from './program-version.ts'

/** What {@link backup} needs beside the pipeline. */
export interface BackupOptions {
  /** The time of day, ms since 1970. */
  readonly now: () => number
  readonly clock: Clock
  /** Ends it at its next step; what was copied stays for the next one. */
  readonly signal: AbortSignal
  readonly note: (text: string) => void
}

/** What a backup has done. */
export interface BackupReport {
  readonly manifest: BackupManifest
  /** Blobs that the backup did not have yet. */
  readonly copied: Amount
  /** Blobs that it has no more, because nothing does. */
  readonly removed: Amount
  /** `<space>/<digest>` of blobs that are damaged in the stores, or gone: they are left out. */
  readonly damaged: readonly string[]
}

const betweenTriesMs = 1_000

/**
 * Makes a backup of a pipeline while its roles work, or brings one up to date.
 *
 * Nothing is collected meanwhile. What it had before stays valid until the new manifest, which is
 * written last, takes its place by a rename.
 *
 * @param target - A folder that is absent, empty, or holds a backup of this pipeline.
 * @throws {@link ConfigError} for any other folder; {@link StoreError} if a disk or store fails.
 */
export async function backup(
  pipeline: Pipeline,
  target: string,
  options: BackupOptions,
): Promise<BackupReport> {
  const { clock, signal, note } = options
  const folder = resolve(target)
  await nextNumber(pipeline, folder) // rather than after a wait
  for (let isTold = false; ; isTold = true) {
    try {
      return await asOnlyCollector(
        pipeline.documents,
        (lease) => copy(pipeline, folder, options, () => lease.assertHeld()),
        signal,
      )
    } catch (error) {
      if (!(error instanceof BusyError)) throw error
      if (!isTold) note('waits until nothing is being collected')
      await clock.sleep(betweenTriesMs, signal)
      signal.throwIfAborted()
    }
  }
}

/** @throws {@link ConfigError} unless the folder may take a backup of this pipeline. */
async function nextNumber({ config, stream }: Pipeline, folder: string): Promise<number> {
  const within = relative(resolve(config.data), folder)
  if (within === '' || !(within.startsWith('..') || isAbsolute(within))) {
    throw new ConfigError(`backup: expected a folder outside ${config.data}, got ${folder}`)
  }
  const names = (await readdir(folder).catch(unlessAbsent)) ?? []
  if (names.length === 0) return 1
  const own = new Set<string>(['blobs', backupNames.snapshots, backupNames.manifest])
  if (names.some((name) => !own.has(name))) {
    throw new ConfigError(`backup: expected ${folder} to be empty or a backup, got other files`)
  }
  if (!existsSync(join(folder, backupNames.manifest))) return 1 // the first one was cut off
  const { name, log, seq } = await readManifest(folder)
  if (name !== config.name || log !== (await stream.identity())) {
    throw new ConfigError(
      `backup: expected ${folder} to be a backup of this pipeline, got that of ${name} on another log`,
    )
  }
  return seq + 1
}

async function copy(
  pipeline: Pipeline,
  folder: string,
  { now }: BackupOptions,
  assertMay: () => void,
): Promise<BackupReport> {
  const { config, stream } = pipeline
  const seq = await nextNumber(pipeline, folder) // another one may have ended meanwhile
  const layout = blobLayout(folder)
  const files = durableFiles(folder, layout.temporary)
  const within = snapshotFolder(folder, seq)
  await rm(within, { recursive: true, force: true }) // of one that was cut off
  await mkdir(within, { recursive: true, mode: 0o700 })
  const at = now()
  const snapshot = await takeSnapshot(pipeline, within)
  const { blobs, ...copied } = await copyBlobs(pipeline.blobs, layout, snapshot.blobs, assertMay)
  const write = async (name: string, bytes: Uint8Array): Promise<BackupFile> => {
    await files.write(join(within, name), bytes)
    return { name, bytes: bytes.length, sha256: digestOf(bytes) }
  }
  const manifest: BackupManifest = {
    format: 1,
    name: config.name,
    program: programVersion,
    at,
    seq,
    stream: config.stream.adapter,
    store: config.store.adapter,
    log: await stream.identity(),
    files: [
      ...snapshot.files,
      await write(backupNames.documents, jsonLines(snapshot.documents)),
      await write(backupNames.blobs, jsonLines(blobs)),
    ],
    documents: snapshot.documents.length,
    blobs: { count: blobs.length, bytes: blobs.reduce((sum, { bytes }) => sum + bytes, 0) },
  }
  assertMay()
  await files.write(join(folder, backupNames.manifest), sealManifest(manifest))
  const removed = await prune(folder, layout, seq, blobs)
  return { manifest, ...copied, removed }
}
