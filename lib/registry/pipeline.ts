import { z } from 'zod'
import { ConfigError } from '../errors.ts'
import type { DocumentStore } from '../store/types.ts'
import { plainJson } from './canonical.ts'
import { type DocumentKind, readDocument, readFound } from './document.ts'

/** Whose stores these are. */
export interface PipelineDocument {
  readonly format: 1
  readonly name: string
  /** Version of the program that first started here. */
  readonly program: string
}

/** Names of pipelines and lineages. */
export const namePattern: RegExp = /^[a-z][a-z0-9-]{0,31}$/

const kind: DocumentKind<PipelineDocument> = {
  format: 1,
  error: ConfigError,
  schema: z.strictObject({
    format: z.literal(1),
    name: z.string().regex(namePattern),
    program: z.string().min(1),
  }),
}

/**
 * Claims the stores for a pipeline at its first start, and checks the claim at every later one.
 *
 * @throws {@link ConfigError} if they belong to a pipeline of another name.
 */
export async function claimPipeline(
  documents: DocumentStore,
  { name, program }: { readonly name: string; readonly program: string },
): Promise<PipelineDocument> {
  const claim = readDocument('pipeline', { format: 1, name, program }, kind)
  // Looked at first: most roles may read here, and not write.
  let found = await readFound(documents, 'pipeline')
  if (found === undefined) {
    const write = await documents.create('pipeline', plainJson(claim))
    if (write.ok) return claim
    found = write.current
  }
  const present = readDocument('pipeline', found?.value, kind)
  if (present.name === name) return present
  throw new ConfigError(`pipeline: expected the stores of ${name}, got those of ${present.name}`)
}
