import { join } from 'node:path'
import { expectDigest } from './blob-digest.ts'
import type { Digest, Space } from './types.ts'

/** All spaces, in the order of their folders. */
export const spaces: readonly Space[] = ['pictures', 'state', 'models', 'index', 'quarantine']

/** Where things lie below the data folder. */
export interface Layout {
  /** Folder of all blobs. */
  readonly root: string
  /** Folder of files that are still being written. */
  readonly temporary: string
  spaceFolder(space: Space): string
  /** Folder of the blobs whose digest begins alike. */
  folder(space: Space, digest: Digest): string
  file(space: Space, digest: Digest): string
}

/** The layout `blobs/<space>/<aa>/<digest>` of a data folder. */
export function blobLayout(dataFolder: string): Layout {
  const root = join(dataFolder, 'blobs')
  const folder = (space: Space, digest: Digest) =>
    join(root, space, expectDigest(digest).slice(0, 2))
  return {
    root,
    temporary: join(root, 'temporary'),
    spaceFolder: (space) => join(root, space),
    folder,
    file: (space, digest) => join(folder(space, digest), digest),
  }
}
