import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { ArtifactError, MissingError } from '../errors.ts'
import { canonicalText } from '../registry/canonical.ts'
import { digestOf } from '../registry/digest.ts'
import { countSchema, digestSchema } from '../registry/document.ts'
import { namePattern } from '../registry/pipeline.ts'
import type { Digest, JsonObject, Space } from '../store/types.ts'

/** A file of a snapshot. */
export interface BackupFile {
  readonly name: string
  readonly bytes: number
  readonly sha256: Digest
}

/** The file that makes a backup: written last, and only once all that it names is there. */
export interface BackupManifest {
  readonly format: 1
  /** The pipeline. */
  readonly name: string
  /** Version of the program that made it. */
  readonly program: string
  /** When its documents were read, ms since 1970. */
  readonly at: number
  /** Number of its snapshot; rising. */
  readonly seq: number
  readonly stream: 'sqlite' | 'kafka'
  readonly store: 'file' | 's3'
  /** Identity of the log that its offsets count in. */
  readonly log: string
  /** The files in `snapshots/<seq>/`. */
  readonly files: readonly BackupFile[]
  readonly documents: number
  readonly blobs: { readonly count: number; readonly bytes: number }
}

/** A document of a snapshot. */
export interface BackupDocument {
  readonly key: string
  readonly value: JsonObject
}

/** A blob of a snapshot. */
export interface BackupBlob {
  readonly space: Space
  readonly digest: Digest
  readonly bytes: number
  readonly kept: boolean
}

/** Names in a backup. */
export const backupNames = {
  manifest: 'backup.json',
  snapshots: 'snapshots',
  documents: 'documents.jsonl',
  blobs: 'blobs.jsonl',
  database: 'contrastream.db',
} as const

const manifestSchema = z.strictObject({
  format: z.literal(1),
  name: z.string().regex(namePattern),
  program: z.string().min(1),
  at: countSchema,
  seq: z.int().min(1),
  stream: z.enum(['sqlite', 'kafka']),
  store: z.enum(['file', 's3']),
  log: z.string().min(1),
  files: z.array(
    z.strictObject({ name: z.string().min(1), bytes: countSchema, sha256: digestSchema }),
  ),
  documents: countSchema,
  blobs: z.strictObject({ count: countSchema, bytes: countSchema }),
})
const sealedSchema = manifestSchema.extend({ seal: digestSchema })
/** Folder of a snapshot. */
export function snapshotFolder(backup: string, seq: number): string {
  return join(backup, backupNames.snapshots, String(seq))
}

/** Bytes of a manifest, with a seal over all of it. */
export function sealManifest(manifest: BackupManifest): Uint8Array {
  const seal = sealOf(manifest)
  return new TextEncoder().encode(`${JSON.stringify({ ...manifest, seal }, undefined, 2)}\n`)
}

const sealOf = (manifest: BackupManifest): Digest =>
  digestOf(new TextEncoder().encode(canonicalText(manifest)))

/** Where bytes are not what was written: the file, and what was expected of it. */
export function damagedBackup(path: string, expected: string, cause?: unknown): ArtifactError {
  return new ArtifactError(
    `${path}: expected ${expected}, got other bytes; use another backup, or remove this file and make the backup again`,
    { reason: 'damaged', cause },
  )
}

/**
 * The manifest of the backup in a folder.
 *
 * @throws {@link MissingError} if there is no whole backup: none was made, or the first was cut off;
 * {@link ArtifactError} if the manifest is damaged, or of a newer format.
 */
export async function readManifest(backup: string): Promise<BackupManifest> {
  const path = join(backup, backupNames.manifest)
  const text = await readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    const message = `${backup}: expected a whole backup with a ${backupNames.manifest}, got ${cause.code}`
    throw new MissingError(`${message}; \`contrastream backup ${backup}\` makes one`, { cause })
  })
  const raw = parsed(path, text)
  const { format } = z.object({ format: z.int() }).catch({ format: 1 }).parse(raw)
  if (format > 1) {
    throw new ArtifactError(
      `${path}: expected format 1, got format ${format}; use the program that made the backup`,
    )
  }
  const result = sealedSchema.safeParse(raw)
  if (!result.success) throw damagedBackup(path, 'the form of a manifest', result.error)
  const { seal, ...manifest } = result.data
  if (seal !== sealOf(manifest)) throw damagedBackup(path, `the seal ${seal}`)
  return manifest
}

function parsed(path: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw damagedBackup(path, 'JSON', cause)
  }
}

/** Values, one a line. */
export function jsonLines(values: readonly object[]): Uint8Array {
  return new TextEncoder().encode(values.map((value) => `${JSON.stringify(value)}\n`).join(''))
}
