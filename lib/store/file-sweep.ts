import { readdir, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { isDigest } from './blob-digest.ts'
import { blobError } from './file-faults.ts'
import { blobLayout, spaces } from './file-layout.ts'
import { blobRows } from './file-rows.ts'
import { unlessAbsent } from './file-write.ts'
import type { Amount, BlobStore, Space } from './types.ts'

/** What a sweep removes. */
export interface SweepOptions {
  /** Age at which blobs expire, by space, in ms; kept ones never do. Default: none. */
  readonly expireMs?: Readonly<Partial<Record<Space, number>>>
  /** Age at which a file that no row names goes, in ms. Default 24 h. */
  readonly orphanMs?: number
  /** Wall clock, ms since 1970. Default `Date.now`. */
  readonly now?: () => number
  /** Only count what would go. Default false. */
  readonly plan?: boolean
  /** Asked before each removal; what it throws ends the sweep. Default: always allowed. */
  readonly assertMay?: () => void
}

/** Defaults of {@link SweepOptions}. */
export const defaultSweepOptions: Required<SweepOptions> = {
  expireMs: {},
  orphanMs: 24 * 3_600_000,
  now: Date.now,
  plan: false,
  assertMay: () => undefined,
}

/** What a sweep has removed, or would. */
export interface Swept {
  /** Blobs past their age, by space. */
  readonly expired: Readonly<Partial<Record<Space, Amount>>>
  /** Files that a crash left without a row. */
  readonly orphans: Amount
}

/**
 * Removes expired blobs, and the files that crashes left without a row.
 *
 * @param folder - The data folder.
 * @param db - Its open database.
 * @param blobs - The blob store of both.
 */
export async function sweepBlobs(
  folder: string,
  db: DatabaseSync,
  blobs: BlobStore,
  options: SweepOptions = {},
): Promise<Swept> {
  const settings = { ...defaultSweepOptions, ...options }
  const expired: Partial<Record<Space, Amount>> = {}
  for (const space of spaces) {
    const olderThanMs = settings.expireMs[space]
    if (olderThanMs !== undefined)
      expired[space] = await expire(blobs, space, olderThanMs, settings)
  }
  return { expired, orphans: await sweepFiles(folder, db, settings) }
}

async function expire(
  blobs: BlobStore,
  space: Space,
  olderThanMs: number,
  { plan, assertMay }: Required<SweepOptions>,
): Promise<Amount> {
  const gone = { count: 0, bytes: 0 }
  for await (const { digest, bytes, ageMs } of blobs.list(space, { kept: false })) {
    if (ageMs < olderThanMs) continue
    if (!plan) {
      assertMay()
      if (!(await blobs.delete(space, digest, { olderThanMs }))) continue
    }
    gone.count += 1
    gone.bytes += bytes
  }
  return gone
}

async function sweepFiles(
  folder: string,
  db: DatabaseSync,
  { orphanMs, now, plan, assertMay }: Required<SweepOptions>,
): Promise<Amount> {
  const layout = blobLayout(folder)
  const rows = blobRows(db)
  const notAfter = now() - orphanMs
  const gone = { count: 0, bytes: 0 }
  /** Counts a file if it goes, or would. */
  const take = async ({ bytes }: OldFile, remove: () => Promise<boolean>): Promise<void> => {
    if (!plan) {
      assertMay()
      if (!(await translated(folder, remove))) return
    }
    gone.count += 1
    gone.bytes += bytes
  }
  for (const file of await translated(folder, () => filesOf(layout.temporary, notAfter))) {
    await take(file, async () => {
      await unlink(file.path).catch(unlessAbsent)
      return true
    })
  }
  for (const space of spaces) {
    const within = layout.spaceFolder(space)
    for (const prefix of await translated(folder, () => namesIn(within))) {
      for (const file of await translated(folder, () => filesOf(join(within, prefix), notAfter))) {
        const digest = file.path.slice(-64)
        // A look first: nearly all have a row, and a removal takes the database's write lock.
        if (!isDigest(digest) || rows.find(space, digest) !== undefined) continue
        await take(file, () => rows.removeOrphan(space, digest, file.path))
      }
      await nextTurn()
    }
  }
  return gone
}

async function translated<T>(folder: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    throw blobError(`sweep ${folder}`, cause)
  }
}

/** A file that was last written long ago. */
interface OldFile {
  readonly path: string
  readonly bytes: number
}

/** The files in a folder that were last written by then. */
async function filesOf(folder: string, notAfter: number): Promise<OldFile[]> {
  const paths = (await namesIn(folder)).map((name) => join(folder, name))
  const found = await Promise.all(
    paths.map(async (path) => ({ path, stats: await stat(path).catch(unlessAbsent) })),
  )
  return found.flatMap(({ path, stats }) =>
    stats && stats.mtimeMs <= notAfter ? [{ path, bytes: stats.size }] : [],
  )
}

async function namesIn(folder: string): Promise<string[]> {
  return (await readdir(folder).catch(unlessAbsent)) ?? []
}
