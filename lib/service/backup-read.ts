import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { countSchema, digestSchema } from '../registry/document.ts'
import { sha256 } from '../store/blob-digest.ts'
import { type Layout, spaces } from '../store/file-layout.ts'
import type { Space } from '../store/types.ts'
import {
  type BackupBlob,
  type BackupDocument,
  type BackupManifest,
  backupNames,
  damagedBackup,
  snapshotFolder,
} from './backup-format.ts'
import { fileDigest } from './file-digest.ts'

const documentSchema = z.strictObject({
  key: z.string().min(1),
  value: z.record(z.string(), z.unknown()),
})
const blobSchema = z.strictObject({
  space: z.enum(spaces as [Space, ...Space[]]),
  digest: digestSchema,
  bytes: countSchema,
  kept: z.boolean(),
})

/**
 * Compares the files of a snapshot with what was written.
 *
 * @throws {@link ArtifactError} naming the first that is missing or damaged.
 */
export async function verifySnapshot(backup: string, manifest: BackupManifest): Promise<void> {
  for (const { name, sha256: expected } of manifest.files) {
    const path = join(snapshotFolder(backup, manifest.seq), name)
    const digest = await fileDigest(path).catch((cause) => {
      throw damagedBackup(path, 'a file', cause)
    })
    if (digest !== expected) throw damagedBackup(path, `sha256 ${expected}`)
  }
}

/** The documents of a backup, of which the snapshot is verified. */
export async function readDocuments(
  backup: string,
  { seq }: BackupManifest,
): Promise<readonly BackupDocument[]> {
  const lines = await linesOf(join(snapshotFolder(backup, seq), backupNames.documents))
  return lines.map((line) => documentSchema.parse(JSON.parse(line)) as BackupDocument)
}

/** The blobs that a backup lists, of which the snapshot is verified. */
export async function readBlobs(
  backup: string,
  { seq }: BackupManifest,
): Promise<readonly BackupBlob[]> {
  const lines = await linesOf(join(snapshotFolder(backup, seq), backupNames.blobs))
  return lines.map((line) => blobSchema.parse(JSON.parse(line)))
}

const linesOf = async (path: string): Promise<readonly string[]> =>
  (await readFile(path, 'utf8')).split('\n').filter(Boolean)

/**
 * Bytes of a blob in a backup.
 *
 * @throws {@link ArtifactError} naming the file if it is missing or damaged.
 */
export async function readBackupBlob(
  layout: Layout,
  { space, digest }: BackupBlob,
): Promise<Uint8Array> {
  const path = layout.file(space, digest)
  const bytes = await readFile(path).catch((cause) => {
    throw damagedBackup(path, 'a file', cause)
  })
  if ((await sha256(bytes)) !== digest) throw damagedBackup(path, 'the bytes of its name')
  return bytes
}
