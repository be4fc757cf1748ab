import type { Generation, GenerationBlock } from '../../lib/search/generation.ts'
import { generations, type NewGeneration } from '../../lib/search/generations.ts'
import { loadBlock } from '../../lib/search/load-generation.ts'
import { type PictureRow, type SealedRows, sealRows } from '../../lib/search/seal.ts'
import type { Stores } from '../support/stores.ts'
import { idOf, rowOf, stamp, unitRows } from './support.ts'

/** Length of the vectors of these tests. */
export const dim = 4
/** The only partition of most tests. */
export const partition = 'images.unlabeled/0'
/** Nothing is too much or too old. */
export const noLimits = { maxVectors: Number.POSITIVE_INFINITY, expiresBefore: 0 }

/** What a generation of that version begins as. */
export function newGeneration(version: string = stamp.version): NewGeneration {
  return { version, manifest: 'a'.repeat(64), preprocessing: 'p', dim, at: 5 }
}

/** Pictures with the numbers from `first` on, which arrived at these times. */
export function pictureRows(first: number, count: number, seed = 1): PictureRow[] {
  const vectors = unitRows(count, dim, seed + first)
  return Array.from({ length: count }, (_, i) => ({
    id: idOf(first + i),
    at: 1_000 + first + i,
    vector: rowOf(vectors, i),
  }))
}

/** Pictures whose numbers are those of the records they came in. */
export function sealed(from: number, to: number, seed = 1): SealedRows {
  return { partition, from, to, follow: 10 + to, rows: pictureRows(from, to - from, seed) }
}

/** A generation that has entered the partition at record 0. */
export async function begun(stores: Stores, version = stamp.version): Promise<Generation> {
  const all = generations(stores.documents)
  const generation = await all.create(newGeneration(version), 1)
  return all.update(generation.id, (present) => ({
    ...present,
    next: { [partition]: 0 },
    follow: { [partition]: 0 },
  }))
}

/** A generation with pictures of the records before `to`. */
export async function filled(
  stores: Stores,
  to: number,
  version = stamp.version,
): Promise<Generation> {
  const generation = await begun(stores, version)
  const all = generations(stores.documents)
  return sealRows(stores.blobs, all, generation, sealed(0, to), noLimits)
}

/** All ids in the blocks of a generation, in order. */
export async function idsIn(
  { blobs }: Stores,
  generation: Generation,
  blocks: readonly GenerationBlock[] = generation.blocks,
): Promise<string[]> {
  const loaded = await Promise.all(blocks.map((one) => loadBlock(blobs, generation, one)))
  return loaded.flatMap(({ ids }) => [...ids])
}

/** The generation as it is stored. */
export async function stored(stores: Stores, id: string): Promise<Generation> {
  return (await generations(stores.documents).read(id)) as Generation
}

/** The ids of the numbers from `from` to before `to`. */
export function idsOf(from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, i) => idOf(from + i))
}
