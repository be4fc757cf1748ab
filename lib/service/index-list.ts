import type { Registry } from '../registry/registry.ts'
import { blockBytes } from '../search/block.ts'
import { coverageOf, type Generation, generationSize } from '../search/generation.ts'
import { generations } from '../search/generations.ts'

/** A generation as people see it. */
export interface ListedGeneration {
  readonly id: string
  readonly version: string
  /** When it was begun, ms since 1970. */
  readonly at: number
  readonly state: Generation['state']
  /** Whether searches are answered from it. */
  readonly isServed: boolean
  readonly vectors: number
  readonly bytes: number
  /** Share of its sources' pictures that it has by now, range [0, 1]. */
  readonly coverage: number
  /** Share of true neighbours that its index found, range [0, 1]; absent until it was measured. */
  readonly recall?: number
  /** Why it failed. */
  readonly reason?: string
}

/** Bytes of the blocks of a generation. */
export function generationBytes({ blocks, dim }: Pick<Generation, 'blocks' | 'dim'>): number {
  return blocks.reduce((sum, { rows }) => sum + blockBytes(rows, dim), 0)
}

/** All generations that are stored, the oldest first. */
export async function indexList({
  documents,
  stable,
}: Pick<Registry, 'documents' | 'stable'>): Promise<readonly ListedGeneration[]> {
  const served = (await stable.read())?.generation
  const all = await generations(documents).list()
  return all.map((one) => {
    const { id, version, at, state, recall, reason } = one
    return {
      ...{ id, version, at, state, isServed: id === served },
      ...{ vectors: generationSize(one), bytes: generationBytes(one), coverage: coverageOf(one) },
      ...(recall !== undefined && { recall }),
      ...(reason !== undefined && { reason }),
    }
  })
}
