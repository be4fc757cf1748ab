import type { Dirent } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'

/** A file below a folder, or a subfolder that cannot be read. */
export interface FoundFile {
  readonly path: string
  /** System error of a subfolder that cannot be read; absent for a file. */
  readonly fault?: string
}

const entriesOf = (folder: string): Promise<Dirent[]> => readdir(folder, { withFileTypes: true })

/** Word of the operating system for what went wrong, `ENOENT` for example. */
export const faultOf = (cause: unknown): string =>
  (cause as NodeJS.ErrnoException).code ?? String(cause)

/**
 * Files of a folder and its subfolders, in the order of their names; hidden ones left out.
 *
 * @throws The system's error if the folder itself cannot be read.
 */
export async function* filesUnder(folder: string): AsyncGenerator<FoundFile> {
  yield* below(folder, await entriesOf(folder))
}

async function* below(folder: string, entries: Dirent[]): AsyncGenerator<FoundFile> {
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (entry.name.startsWith('.')) continue
    const path = join(folder, entry.name)
    if (entry.isFile()) yield { path }
    if (!entry.isDirectory()) continue
    const inner = await entriesOf(path).catch(faultOf)
    if (typeof inner !== 'string') yield* below(path, inner)
    else if (inner !== 'ENOENT') yield { path, fault: inner } // else it is gone meanwhile
  }
}
