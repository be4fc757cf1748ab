import { randomUUID } from 'node:crypto'
import { mkdir, open, rename, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** Writes files so that a crash leaves each of them whole or absent. */
export interface DurableFiles {
  /** Whole and durable, under its name, once it resolves. Replaces what is there. */
  write(path: string, bytes: Uint8Array): Promise<void>
  /** Makes the entries of a folder durable, whoever wrote them. */
  syncFolder(folder: string): Promise<void>
}

/**
 * Files below `root`, written by way of a temporary file, fsync, rename and fsync of the folder.
 *
 * @param root - Folder that everything is below; its parent exists.
 * @param temporary - Folder for unfinished files, on the same file system.
 */
export function durableFiles(root: string, temporary: string): DurableFiles {
  const made = new Map<string, Promise<void>>()

  /** Makes a folder and its entry in the one above durable, once a process: others may crash. */
  function ensureFolder(folder: string): Promise<void> {
    const known = made.get(folder)
    if (known !== undefined) return known
    const making = makeFolder(folder)
    made.set(folder, making)
    making.catch(() => made.delete(folder))
    return making
  }

  async function makeFolder(folder: string): Promise<void> {
    if (folder !== root) await ensureFolder(dirname(folder))
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await syncFolder(dirname(folder))
  }

  return {
    syncFolder,
    async write(path, bytes) {
      await Promise.all([ensureFolder(temporary), ensureFolder(dirname(path))])
      const unfinished = join(temporary, randomUUID())
      try {
        await writeSynced(unfinished, bytes)
        await rename(unfinished, path)
      } catch (error) {
        await unlink(unfinished).catch(() => undefined)
        throw error
      }
      await syncFolder(dirname(path))
    },
  }
}

/** Whether a file holds exactly these bytes, which are then durable. */
export async function holds(path: string, bytes: Uint8Array): Promise<boolean> {
  const file = await open(path, 'r').catch(unlessAbsent)
  if (file === undefined) return false
  try {
    if (!Buffer.from(await file.readFile()).equals(bytes)) return false
    await file.sync() // a copy from elsewhere, a backup say, may not have reached the disk
    return true
  } finally {
    await file.close()
  }
}

/** For `catch`: absence becomes `undefined`, anything else is thrown on. */
export function unlessAbsent(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
}

async function writeSynced(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, 'wx', 0o600)
  try {
    await file.writeFile(bytes)
    await file.sync()
  } finally {
    await file.close()
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
