import type { Dirent } from 'node:fs'
import { lstat, readdir, realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'

/** A file below a folder, or what stands there and cannot be read. */
export interface FoundFile {
  readonly path: string
  /** What cannot be read, a subfolder or the file of a link, and the system's error; else absent. */
  readonly fault?: { readonly what: 'file' | 'folder'; readonly word: string }
}

interface Folder {
  readonly path: string
  /** Its path without links. */
  readonly real: string
}

/** What is known of folders while they are walked. */
interface Walk {
  /** Real paths of those that were entered. */
  readonly entered: Set<string>
  /** Those that links lead to. */
  readonly linked: Folder[]
}

const entriesOf = (folder: string): Promise<Dirent[]> => readdir(folder, { withFileTypes: true })

/** Word of the operating system for what went wrong, `ENOENT` for example. */
export const faultOf = (cause: unknown): string =>
  (cause as NodeJS.ErrnoException).code ?? String(cause)

/**
 * Files of a folder and its subfolders, in the order of their names; hidden ones left out.
 *
 * Links are followed. Folders that they lead to come last and each real folder once, so that one
 * that is found here by its own name keeps it, and no loop has a second turn.
 *
 * @throws The system's error if the folder itself cannot be read.
 */
export async function* filesUnder(folder: string): AsyncGenerator<FoundFile> {
  const root = { path: folder, real: await realpath(folder) }
  const walk: Walk = { entered: new Set([root.real]), linked: [] }
  yield* below(root, await entriesOf(folder), walk)
  for (const linked of walk.linked) yield* inside(linked, walk) // more are found on the way
}

async function* below(
  { path: folder, real }: Folder,
  entries: readonly Dirent[],
  walk: Walk,
): AsyncGenerator<FoundFile> {
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    if (entry.name.startsWith('.')) continue
    const path = join(folder, entry.name)
    if (entry.isFile()) yield { path }
    if (entry.isDirectory()) yield* inside({ path, real: join(real, entry.name) }, walk)
    if (entry.isSymbolicLink()) yield* behind(path, walk)
  }
}

async function* inside(folder: Folder, walk: Walk): AsyncGenerator<FoundFile> {
  if (walk.entered.has(folder.real)) return
  walk.entered.add(folder.real)
  const { path } = folder
  const inner = await entriesOf(path).catch(faultOf)
  if (typeof inner !== 'string') yield* below(folder, inner, walk)
  else if (inner !== 'ENOENT') yield { path, fault: { what: 'folder', word: inner } } // else gone
}

async function* behind(path: string, { linked }: Walk): AsyncGenerator<FoundFile> {
  try {
    const real = await realpath(path)
    const state = await stat(real)
    if (state.isFile()) yield { path }
    if (state.isDirectory()) linked.push({ path, real })
  } catch (cause) {
    const isGone = await lstat(path).then(
      () => false,
      () => true,
    )
    if (!isGone) yield { path, fault: { what: 'file', word: faultOf(cause) } }
  }
}
