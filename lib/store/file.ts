import { open } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { StoreError } from '../errors.ts'
import { sha256 } from './blob-digest.ts'
import { expectSize, maxBlobBytes, renewAfterMs } from './blob-limits.ts'
import { blobError } from './file-faults.ts'
import { blobLayout } from './file-layout.ts'
import { type BlobRow, blobRows } from './file-rows.ts'
import { durableFiles, holds, unlessAbsent } from './file-write.ts'
import { limiter } from './limiter.ts'
import type { BlobInfo, BlobStore, Digest, Space } from './types.ts'

/** Settings of the blob folder. */
export interface FileBlobsOptions {
  /** Wall clock for ages, ms since 1970. Default `Date.now`. */
  readonly now?: () => number
}

/** Defaults of {@link FileBlobsOptions}. */
export const defaultFileBlobsOptions: Required<FileBlobsOptions> = { now: Date.now }

/** Files written at a time: each holds a descriptor and waits for the disk. */
const parallelWrites = 64

/** Collections that may meet the same `put` before it gives up. */
const maxAttempts = 8

/**
 * Blobs as files `blobs/<space>/<aa>/<digest>`, with a row each in the table `blob`.
 *
 * A file comes first (temporary file, fsync, rename, fsync of the folder), then its row: what a
 * crash leaves between the two is invisible, and a later `put` of the same bytes takes it over.
 *
 * @param folder - The data folder.
 * @param db - Its open database; the caller closes it.
 */
export function fileBlobs(
  folder: string,
  db: DatabaseSync,
  options: FileBlobsOptions = {},
): BlobStore {
  const { now } = { ...defaultFileBlobsOptions, ...options }
  const layout = blobLayout(folder)
  const files = durableFiles(layout.root, layout.temporary)
  const rows = blobRows(db)
  const inTurn = limiter(parallelWrites)

  const info = (row: BlobRow): BlobInfo => ({
    digest: row.digest,
    bytes: row.bytes,
    ageMs: Math.max(0, now() - row.at),
    kept: row.kept === 1,
  })

  async function place(file: string, bytes: Uint8Array): Promise<void> {
    if (await holds(file, bytes)) await files.syncFolder(dirname(file))
    else await files.write(file, bytes)
  }

  async function write(space: Space, digest: Digest, bytes: Uint8Array): Promise<void> {
    const file = layout.file(space, digest)
    for (let attempt = 0; attempt < maxAttempts; attempt++) {
      await place(file, bytes)
      const at = now()
      const blob = { space, digest, file, bytes: bytes.length, at }
      if (await rows.add(blob, at - renewAfterMs)) return
    }
    throw new StoreError(`put ${space}/${digest}: expected the file to stay, got it removed`, {
      reason: 'busy',
      retryable: true,
    })
  }

  async function read(space: Space, digest: Digest, maxBytes: number) {
    const path = layout.file(space, digest)
    const row = rows.find(space, digest)
    if (row === undefined) return undefined
    expectSize(`get ${space}/${digest}`, row.bytes, maxBytes)
    const file = await open(path, 'r').catch(unlessAbsent)
    if (file === undefined) return undefined
    try {
      const { size } = await file.stat()
      const bytes = size === row.bytes ? await file.readFile() : undefined
      if (bytes && (await sha256(bytes)) === digest)
        return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
      const got = bytes ? 'other ones' : `${size} bytes`
      const message = `get ${space}/${digest}: expected the ${row.bytes} bytes of its digest`
      throw new StoreError(`${message}, got ${got}`, { reason: 'damaged' })
    } finally {
      await file.close()
    }
  }

  return {
    put: (space, bytes) =>
      translated(`put to ${space}`, async () => {
        expectSize(`put to ${space}`, bytes.length, maxBlobBytes)
        const digest = await sha256(bytes)
        await inTurn(() => write(space, digest, bytes))
        return digest
      }),
    get: (space, digest, { maxBytes }) =>
      translated(`get ${space}/${digest}`, () => read(space, digest, maxBytes)),
    stat: (space, digest) =>
      translated(`stat ${space}/${digest}`, async () => {
        const row = rows.find(space, digest)
        return row && info(row)
      }),
    keep: (digest) =>
      translated(`keep ${digest}`, async () =>
        rows.mark(digest, layout.file('pictures', digest), true, now()),
      ),
    unkeep: (digest) =>
      translated(`unkeep ${digest}`, async () => {
        await rows.mark(digest, layout.file('pictures', digest), false, now())
      }),
    async *list(space, { kept } = {}) {
      let after = ''
      for (;;) {
        const page = await translated(`list ${space}`, async () =>
          rows.page(space, after, kept, 500),
        )
        for (const row of page) yield info(row)
        const last = page.at(-1)
        if (last === undefined) return
        after = last.digest
        await nextTurn() // a long list leaves room for others
      }
    },
    delete: (space, digest, { olderThanMs }) =>
      translated(`delete ${space}/${digest}`, async () => {
        const file = layout.file(space, digest)
        if (!(await rows.drop(space, digest, now() - olderThanMs))) return false
        // A put may have come in between; then the file stays.
        await rows.removeOrphan(space, digest, file)
        return true
      }),
  }
}

async function translated<T>(where: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    throw blobError(where, cause)
  }
}
