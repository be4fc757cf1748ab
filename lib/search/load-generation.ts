import { ArtifactError } from '../errors.ts'
import { soundBlob } from '../registry/sound-blob.ts'
import type { BlobStore } from '../store/types.ts'
import { type Block, blockBytes, decodeBlock } from './block.ts'
import { type ExactIndex, exactIndex } from './exact-index.ts'
import type { Generation, GenerationBlock } from './generation.ts'
import type { IndexOptions } from './options.ts'
import type { Stamp } from './types.ts'

/** What the vectors of a generation were made with. */
export function stampOf({ version, preprocessing }: Generation): Stamp {
  return { version, preprocessingHash: preprocessing }
}

/**
 * One block of a generation, verified.
 *
 * @throws {@link ArtifactError} if it is missing, damaged or not what the document says.
 */
export async function loadBlock(
  blobs: BlobStore,
  { id, dim }: Pick<Generation, 'id' | 'dim'>,
  { digest, rows }: Pick<GenerationBlock, 'digest' | 'rows'>,
): Promise<Block> {
  const bytes = await soundBlob(blobs, 'index', digest, blockBytes(rows, dim))
  if (!bytes) throw new ArtifactError(`${id}: expected block ${digest}, it is missing or damaged`)
  const block = decodeBlock(bytes)
  const { vectors } = block
  if (vectors.rows === rows && vectors.dim === dim) return block
  throw new ArtifactError(
    `${id}: expected [${rows}, ${dim}] in block ${digest}, got [${vectors.rows}, ${vectors.dim}]`,
  )
}

/** {@link loadBlock}; absent if that finds the block missing or damaged. */
export async function soundBlock(
  ...[blobs, generation, block]: Parameters<typeof loadBlock>
): Promise<Block | undefined> {
  try {
    return await loadBlock(blobs, generation, block)
  } catch (error) {
    if (error instanceof ArtifactError) return undefined
    throw error
  }
}

/** Its blocks by age, so that an index which cannot hold them all drops the oldest. */
export function blocksByAge({ blocks }: Pick<Generation, 'blocks'>): readonly GenerationBlock[] {
  return blocks.toSorted((a, b) => a.oldest - b.oldest)
}

/**
 * The index of a generation. The caller disposes it.
 *
 * @param blobs - Where its blocks are.
 * @param generation - As its document says.
 * @param options - As {@link exactIndex} takes them.
 * @throws {@link ArtifactError} if a block is missing, damaged or not what the document says;
 * {@link InputError} if it holds anything but unit rows.
 */
export async function loadGeneration(
  blobs: BlobStore,
  generation: Generation,
  options: IndexOptions = {},
): Promise<ExactIndex> {
  const stamp = stampOf(generation)
  const index = exactIndex(stamp, generation.dim, options)
  try {
    for (const one of blocksByAge(generation)) {
      const { ids, vectors } = await loadBlock(blobs, generation, one)
      index.add({ ...stamp, ids, vectors })
    }
    return index
  } catch (error) {
    index.dispose()
    throw error
  }
}
