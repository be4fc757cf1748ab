import { z } from 'zod'
import { RegistryError } from '../errors.ts'
import { plainJson } from '../registry/canonical.ts'
import {
  countSchema,
  type DocumentKind,
  digestSchema,
  readDocument,
  readFound,
  writeOver,
} from '../registry/document.ts'
import type { Named } from '../registry/registry.ts'
import { versionIdSchema } from '../registry/version-id.ts'
import type { DocumentStore } from '../store/types.ts'

/** A wish for the index of a version that is to become stable, which `embed` polls. */
export interface IndexRequest extends Named {
  readonly format: 1
  /** Number of the last attempt that ever was: its id is not used again. */
  readonly after: number
}

const key = 'requests/index'
const kind: DocumentKind<IndexRequest> = {
  format: 1,
  error: RegistryError,
  schema: z.strictObject({
    format: z.literal(1),
    version: versionIdSchema,
    manifest: digestSchema,
    after: countSchema,
  }),
}

/**
 * Asks `embed`, wherever it runs, for the index of a version that is not stable. The last wish
 * counts; a wish that nobody takes back costs one index and nothing more.
 */
export async function requestIndex(
  documents: DocumentStore,
  request: Omit<IndexRequest, 'format'>,
): Promise<void> {
  const value = plainJson({ format: 1, ...request })
  for (;;) {
    const found = await readFound(documents, key)
    const write = await writeOver(documents, key, value, found)
    if (write.ok) return
  }
}

/** The last wish. */
export async function requestedIndex(documents: DocumentStore): Promise<IndexRequest | undefined> {
  const found = await readFound(documents, key)
  return found && readDocument(key, found.value, kind)
}
