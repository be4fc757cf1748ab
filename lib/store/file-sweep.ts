import { readdir, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { blobError } from './file-faults.ts'
import { blobLayout, isDigest, spaces } from './file-layout.ts'
import { blobRows } from './file-rows.ts'
import { unlessAbsent } from './file-write.ts'
import type { BlobStore, Space } from './types.ts'

/** What a sweep removes. */
export interface SweepOptions {
  /** Age at which blobs expire, by space, in ms; kept ones never do. Default: none. */
  readonly expireMs?: Readonly<Partial<Record<Space, number>>>
  /** Age at which a file that no row names goes, in ms. Default 24 h. */
  readonly orphanMs?: number
  /** Wall clock, ms since 1970. Default `Date.now`. */
  readonly now?: () => number
}

/** Defaults of {@link SweepOptions}. */
export const defaultSweepOptions: Required<SweepOptions> = {
  expireMs: {},
  orphanMs: 24 * 3_600_000,
  now: Date.now,
}

/** What a sweep has removed. */
export interface Swept {
  readonly expired: number
  readonly orphans: number
}

/**
 * Removes expired blobs, and the files that crashes left without a row.
 *
 * @param blobs - The blob store of this folder and database.
 */
export async function sweepBlobs(
  folder: string,
  db: DatabaseSync,
  blobs: BlobStore,
  options: SweepOptions = {},
): Promise<Swept> {
  const { expireMs, orphanMs, now } = { ...defaultSweepOptions, ...options }
  let expired = 0
  for (const space of spaces) {
    const olderThanMs = expireMs[space]
    if (olderThanMs === undefined) continue
    for await (const { digest, ageMs } of blobs.list(space, { kept: false })) {
      if (ageMs < olderThanMs) continue
      if (await blobs.delete(space, digest, { olderThanMs })) expired += 1
    }
  }
  try {
    return { expired, orphans: await sweepFiles(folder, db, now() - orphanMs) }
  } catch (cause) {
    throw blobError(`sweep ${folder}`, cause)
  }
}

async function sweepFiles(folder: string, db: DatabaseSync, notAfter: number): Promise<number> {
  const layout = blobLayout(folder)
  const rows = blobRows(db)
  let removed = 0
  for (const path of await filesOf(layout.temporary, notAfter)) {
    await unlink(path).catch(unlessAbsent)
    removed += 1
  }
  for (const space of spaces) {
    for (const prefix of await namesIn(layout.spaceFolder(space))) {
      for (const path of await filesOf(join(layout.spaceFolder(space), prefix), notAfter)) {
        const digest = path.slice(-64)
        if (isDigest(digest) && (await rows.removeOrphan(space, digest, path))) removed += 1
      }
    }
  }
  return removed
}

/** Paths of the files in a folder that were last written by then. */
async function filesOf(folder: string, notAfter: number): Promise<string[]> {
  const paths = (await namesIn(folder)).map((name) => join(folder, name))
  const found = await Promise.all(paths.map((path) => stat(path).catch(unlessAbsent)))
  return paths.filter((_, i) => (found[i]?.mtimeMs ?? Number.POSITIVE_INFINITY) <= notAfter)
}

async function namesIn(folder: string): Promise<string[]> {
  return (await readdir(folder).catch(unlessAbsent)) ?? []
}
