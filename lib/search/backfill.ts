import { soundBlob } from '../registry/sound-blob.ts'
import type { BlobStore } from '../store/types.ts'
import { type Block, blockBytes, decodeBlock } from './block.ts'
import type { Generation, GenerationSource, SourceOutcome } from './generation.ts'
import type { Generations } from './generations.ts'
import { blockOf, type PictureRow, putBlock } from './seal.ts'

/** What embedding stored pictures again needs. */
export interface BackfillParts {
  readonly blobs: BlobStore
  readonly generations: Generations
  /**
   * Vectors of stored pictures by the generation's model; absent for those that are no longer
   * stored or do not decode.
   */
  vectors(ids: readonly string[]): Promise<readonly (Float32Array | undefined)[]>
  /** Whether the generation has the picture already. */
  isKnown(id: string): boolean
  /** Whether the picture was erased on purpose. */
  isErased(id: string): boolean
  /** Pictures that arrived before have left the index: a time, ms since 1970. */
  readonly expiresBefore: number
  /** Told the rows of each chunk; the next one begins when it resolves. */
  onChunk(rows: readonly PictureRow[]): Promise<void>
  /** Aborted when the work shall stop: the source is begun again later. */
  readonly signal: AbortSignal
}

/** Pictures that are embedded at once. */
const chunkRows = 64
/** No vector is longer: a bound for blocks of other generations, whose length we do not know. */
const maxDim = 65_536

/**
 * Embeds the pictures of one source into one block, and says so in the document by one swap.
 * Work that somebody else has finished meanwhile is dropped. Repeating it is harmless.
 *
 * @returns The generation after it.
 * @throws the signal's reason once it is aborted.
 */
export async function backfill(
  generation: Generation,
  source: GenerationSource,
  parts: BackfillParts,
): Promise<Generation> {
  const { blobs, signal } = parts
  const wanted = await picturesOf(blobs, source)
  const rows: PictureRow[] = []
  const outcome = { embedded: 0, gone: 0, missing: source.rows - wanted.length }
  const isGone = ({ id, at }: Picture) => parts.isErased(id) || at < parts.expiresBefore
  const left = wanted.filter((picture) => !isGone(picture))
  outcome.gone = wanted.length - left.length
  const fresh = left.filter(({ id }) => !parts.isKnown(id))
  outcome.embedded = left.length - fresh.length
  for (let at = 0; at < fresh.length; at += chunkRows) {
    signal.throwIfAborted()
    const some = fresh.slice(at, at + chunkRows)
    const vectors = await parts.vectors(some.map(({ id }) => id))
    const made = some.flatMap((picture, i) => {
      const vector = vectors[i]
      return vector === undefined ? [] : [{ ...picture, vector }]
    })
    outcome.embedded += made.length
    outcome.missing += some.length - made.length
    rows.push(...made)
    await parts.onChunk(made)
  }
  return finish(generation, source, rows, outcome, parts)
}

type Picture = Pick<PictureRow, 'id' | 'at'>

/** The pictures of a source; none if its block is gone: then all of them are missing. */
async function picturesOf(blobs: BlobStore, source: GenerationSource): Promise<Picture[]> {
  const bytes = await soundBlob(blobs, 'index', source.digest, blockBytes(source.rows, maxDim))
  if (!bytes) return []
  const { ids, times }: Block = decodeBlock(bytes)
  return ids.map((id, row) => ({ id, at: times[row] as number }))
}

async function finish(
  generation: Generation,
  { digest, partition }: GenerationSource,
  rows: readonly PictureRow[],
  outcome: SourceOutcome,
  { blobs, generations }: BackfillParts,
): Promise<Generation> {
  const written =
    rows.length === 0
      ? []
      : [await putBlock(blobs, blockOf(rows, generation.dim), { partition, source: digest })]
  return generations.update(generation.id, (present) => {
    const isOpen = ({ digest: other, done }: GenerationSource) => other === digest && !done
    if (!present.sources.some(isOpen)) return undefined
    return {
      ...present,
      sources: present.sources.map((one) => (isOpen(one) ? { ...one, done: outcome } : one)),
      blocks: [...present.blocks, ...written],
    }
  })
}
