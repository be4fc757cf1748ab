import { z } from 'zod'
import { RegistryError } from '../errors.ts'
import { countSchema, type DocumentKind, digestSchema } from '../registry/document.ts'
import { versionIdSchema } from '../registry/version-id.ts'
import type { Digest } from '../store/types.ts'
import { blockRows } from './options.ts'

/** Vectors of one model for the pictures of a pipeline: what its index is loaded from. */
export interface Generation {
  readonly format: 1
  /** `<version>.<attempt>`. */
  readonly id: string
  readonly version: string
  /** Digest of the version's manifest. */
  readonly manifest: Digest
  /** Preprocessing hash. */
  readonly preprocessing: string
  /** Length of a vector. */
  readonly dim: number
  /** When it was begun, ms since 1970. */
  readonly at: number
  /** `ready` generations are complete enough to serve; they still grow while they do. */
  readonly state: 'building' | 'ready' | 'failed'
  /** Why it failed, in one sentence. */
  readonly reason?: string
  /** Blocks of other generations, whose pictures are embedded again. */
  readonly sources: readonly GenerationSource[]
  /** Blocks of the space `index`. */
  readonly blocks: readonly GenerationBlock[]
  /** Of each partition that it entered: the first record that is in none of its blocks. */
  readonly next: Readonly<Record<string, number>>
  /** Of each partition: where in the topic of vectors a reader of its blocks goes on. */
  readonly follow: Readonly<Record<string, number>>
  /** Share of the pictures of its sources that it has, range [0, 1], when it was last measured. */
  readonly coverage?: number
  /** Share of true neighbours that its index finds, range [0, 1]. */
  readonly recall?: number
}

/** A block of a generation. */
export interface GenerationBlock {
  readonly digest: Digest
  readonly rows: number
  /** Partition of the records that its pictures came in. */
  readonly partition: string
  /** The block of another generation that it was made from; absent: of new pictures. */
  readonly source?: Digest
  /** Arrival of its oldest and its newest picture, ms since 1970. */
  readonly oldest: number
  readonly newest: number
}

/** A block whose pictures are to be embedded by this generation's model. */
export interface GenerationSource {
  readonly digest: Digest
  readonly rows: number
  readonly partition: string
  /** What became of its pictures; absent while it is to be done. */
  readonly done?: SourceOutcome
}

/** Pictures of a source: embedded or already there, and those that were left out. */
export interface SourceOutcome {
  readonly embedded: number
  /** Erased on purpose, or older than the index keeps: no loss. */
  readonly gone: number
  /** No longer stored, or not decodable. */
  readonly missing: number
}

const block = {
  digest: digestSchema,
  rows: z.int().min(0).max(blockRows),
  partition: z.string().min(1),
}
const offsets = z.record(z.string(), countSchema)
const share = z.number().min(0).max(1)

/** How a generation is stored. */
export const generationKind: DocumentKind<Generation> = {
  format: 1,
  error: RegistryError,
  schema: z.strictObject({
    format: z.literal(1),
    id: z.string().regex(/^v[0-9]+-[0-9a-f]{12}\.[1-9][0-9]*$/),
    version: versionIdSchema,
    manifest: digestSchema,
    preprocessing: z.string().min(1),
    dim: z.int().min(1),
    at: countSchema,
    state: z.enum(['building', 'ready', 'failed']),
    reason: z.string().exactOptional(),
    sources: z.array(
      z.strictObject({
        ...block,
        done: z
          .strictObject({ embedded: countSchema, gone: countSchema, missing: countSchema })
          .exactOptional(),
      }),
    ),
    blocks: z.array(
      z.strictObject({
        ...block,
        source: digestSchema.exactOptional(),
        oldest: z.number(),
        newest: z.number(),
      }),
    ),
    next: offsets,
    follow: offsets,
    coverage: share.exactOptional(),
    recall: share.exactOptional(),
  }),
}

/** Vectors in its blocks. */
export function generationSize({ blocks }: Pick<Generation, 'blocks'>): number {
  return blocks.reduce((sum, { rows }) => sum + rows, 0)
}

/**
 * Share of its sources' pictures that are in it, those left out that are gone on purpose. 1 for a
 * generation that had no sources.
 */
export function coverageOf({ sources }: Pick<Generation, 'sources'>): number {
  const retained = sources.reduce((sum, { rows, done }) => sum + rows - (done?.gone ?? 0), 0)
  const embedded = sources.reduce((sum, { done }) => sum + (done?.embedded ?? 0), 0)
  return retained === 0 ? 1 : embedded / retained
}
