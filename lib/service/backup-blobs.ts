import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { StoreError } from '../errors.ts'
import { fewAtATime } from '../store/few-at-a-time.ts'
import { type Layout, spaces } from '../store/file-layout.ts'
import { durableFiles, unlessAbsent } from '../store/file-write.ts'
import type { Amount, BlobStore } from '../store/types.ts'
import { type BackupBlob, backupNames } from './backup-format.ts'

/** What {@link copyBlobs} has done. */
export interface CopiedBlobs {
  /** Blobs of those listed that the backup has now. */
  readonly blobs: readonly BackupBlob[]
  /** Those of them that it did not have. */
  readonly copied: Amount
  /** `<space>/<digest>` of those that the store has no sound bytes of. */
  readonly damaged: readonly string[]
}

/** Blobs that are read at a time: one may have 1 GiB. */
const atOnce = 4

/**
 * Copies what is not there yet. A file of the right size counts as there: `restore` reads it.
 *
 * @param assertMay - Throws once somebody else may collect.
 */
export async function copyBlobs(
  store: BlobStore,
  layout: Layout,
  listed: readonly BackupBlob[],
  assertMay: () => void,
): Promise<CopiedBlobs> {
  const files = durableFiles(layout.root, layout.temporary)
  const copied = { count: 0, bytes: 0 }
  const there: BackupBlob[] = []
  const damaged: string[] = []
  await fewAtATime(listed, atOnce, async (blob) => {
    const { space, digest, bytes: size } = blob
    assertMay()
    const path = layout.file(space, digest)
    const present = await stat(path).catch(unlessAbsent)
    if (present?.size === size) return there.push(blob)
    const bytes = await store.get(space, digest, { maxBytes: size }).catch((error: unknown) => {
      if (!(error instanceof StoreError && error.reason === 'damaged')) throw error
    })
    if (bytes === undefined) return damaged.push(`${space}/${digest}`)
    await files.write(path, bytes)
    copied.count += 1
    copied.bytes += size
    return there.push(blob)
  })
  return { blobs: there, copied, damaged }
}

/** Removes snapshots and blobs that the new manifest does not name. */
export async function prune(
  folder: string,
  layout: Layout,
  seq: number,
  blobs: readonly BackupBlob[],
): Promise<Amount> {
  const removed = { count: 0, bytes: 0 }
  for (const name of await readdir(join(folder, backupNames.snapshots))) {
    if (name === String(seq)) continue
    await rm(join(folder, backupNames.snapshots, name), { recursive: true })
  }
  await rm(layout.temporary, { recursive: true, force: true })
  const named = new Set(blobs.map(({ space, digest }) => layout.file(space, digest)))
  for (const space of spaces) {
    const within = layout.spaceFolder(space)
    for (const shelf of (await readdir(within).catch(unlessAbsent)) ?? []) {
      for (const name of await readdir(join(within, shelf))) {
        const path = join(within, shelf, name)
        if (named.has(path)) continue
        removed.count += 1
        removed.bytes += (await stat(path)).size
        await rm(path)
      }
    }
  }
  return removed
}
