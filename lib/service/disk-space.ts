import { existsSync, statfsSync } from 'node:fs'
import { dirname, resolve } from 'node:path'

/** Room on the disk of a folder. */
export interface DiskSpace {
  /** Bytes that may still be written. */
  readonly free: number
  /** Bytes below which nothing is taken in, so that a checkpoint still fits. */
  readonly floor: number
}

/** The nearest folder above a path that exists. */
function existing(path: string): string {
  return existsSync(path) ? path : existing(dirname(path))
}

/** Room for a data folder, which need not exist yet. The floor is 1 GiB or 5 %, unless asked. */
export function diskSpace(folder: string, asked: number | 'auto'): DiskSpace {
  const { bavail, bsize, blocks } = statfsSync(existing(resolve(folder)))
  const floor = asked === 'auto' ? Math.max(2 ** 30, 0.05 * blocks * bsize) : asked
  return { free: bavail * bsize, floor }
}
