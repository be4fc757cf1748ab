import type { BlobStore } from '../store/types.ts'
import type { Generation, GenerationBlock } from './generation.ts'
import type { Generations } from './generations.ts'
import { soundBlock } from './load-generation.ts'
import { blockOf, putBlock, rowsOf } from './seal.ts'

/**
 * Writes the blocks of a partition again without some pictures.
 *
 * To be called by whoever owns the partition, as sealing is.
 *
 * @returns The generation after it.
 */
export async function eraseFrom(
  blobs: BlobStore,
  all: Generations,
  generation: Generation,
  partition: string,
  ids: ReadonlySet<string>,
): Promise<Generation> {
  const changed = new Map<string, GenerationBlock>()
  for (const block of generation.blocks) {
    if (block.partition !== partition) continue
    const present = await soundBlock(blobs, generation, block)
    if (present === undefined) continue // nothing in it can be found either
    const rows = rowsOf(present)
    const left = rows.filter(({ id }) => !ids.has(id))
    if (left.length === rows.length) continue
    const { source } = block
    const entry = { partition, ...(source !== undefined && { source }) }
    changed.set(block.digest, await putBlock(blobs, blockOf(left, generation.dim), entry))
  }
  if (changed.size === 0) return generation
  return all.update(generation.id, (present) => ({
    ...present,
    blocks: present.blocks.map((one) => changed.get(one.digest) ?? one),
  }))
}
