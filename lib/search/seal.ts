import { ConflictError } from '../errors.ts'
import type { BlobStore } from '../store/types.ts'
import { type Block, encodeBlock } from './block.ts'
import { type Generation, type GenerationBlock, generationSize } from './generation.ts'
import type { Generations } from './generations.ts'
import { soundBlock } from './load-generation.ts'
import { blockRows } from './options.ts'

/** The vector of one picture. */
export interface PictureRow {
  readonly id: string
  /** When it arrived, ms since 1970. */
  readonly at: number
  readonly vector: Float32Array
}

/** Vectors of new pictures, and the records that they came in. */
export interface SealedRows {
  readonly partition: string
  /** First record they came in, and the first one after. */
  readonly from: number
  readonly to: number
  /** First place in the topic of vectors that may hold what is not in here. */
  readonly follow: number
  readonly rows: readonly PictureRow[]
}

/** What a generation may hold. */
export interface GenerationLimits {
  /** Vectors, ≥ 1: blocks leave as long as the rest is so many. */
  readonly maxVectors: number
  /** Blocks whose pictures are all older leave: a time, ms since 1970. */
  readonly expiresBefore: number
}

/** Rows as a block, the oldest first; of a picture that is there twice the first. */
export function blockOf(rows: readonly PictureRow[], dim: number): Block {
  const once = [...new Map(rows.toReversed().map((row) => [row.id, row])).values()]
  const sorted = once.sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1))
  const data = new Float32Array(sorted.length * dim)
  for (const [i, { vector }] of sorted.entries()) data.set(vector, i * dim)
  return {
    ids: sorted.map(({ id }) => id),
    times: Float64Array.from(sorted, ({ at }) => at),
    vectors: { rows: sorted.length, dim, data },
  }
}

/** The rows of a block. */
export function rowsOf({ ids, times, vectors }: Block): PictureRow[] {
  const { dim, data } = vectors
  return ids.map((id, row) => ({
    id,
    at: times[row] as number,
    vector: data.subarray(row * dim, (row + 1) * dim),
  }))
}

/** Stores a block; its entry is not in the document yet. */
export async function putBlock(
  blobs: BlobStore,
  block: Block,
  entry: Pick<GenerationBlock, 'partition' | 'source'>,
): Promise<GenerationBlock> {
  const digest = await blobs.put('index', encodeBlock(block))
  const { ids, times } = block
  const [oldest = 0, newest = oldest] = [times[0], times.at(-1)]
  return { digest, rows: ids.length, ...entry, oldest, newest }
}

/**
 * Adds vectors of new pictures to a generation: blobs, then one swap that also moves the place in
 * the log. The last block of the partition is written again until it is full.
 *
 * Each line may be the last one, and all of it may be repeated.
 *
 * @returns The generation after it.
 * @throws {@link ConflictError} if somebody else has sealed records of the partition.
 */
export async function sealRows(
  blobs: BlobStore,
  all: Generations,
  generation: Generation,
  sealed: SealedRows,
  limits: GenerationLimits,
): Promise<Generation> {
  const { partition, from, to, follow, rows } = sealed
  const open = rows.length === 0 ? undefined : openBlock(generation, partition)
  const present = open && (await soundBlock(blobs, generation, open))
  // A damaged block is left as it is, for a reader to say so, and another one is begun.
  const [last, kept] = present === undefined ? [undefined, []] : [open, rowsOf(present)]
  const written: GenerationBlock[] = []
  const together = [...kept, ...rows]
  for (let at = 0; at < together.length; at += blockRows) {
    const block = blockOf(together.slice(at, at + blockRows), generation.dim)
    written.push(await putBlock(blobs, block, { partition }))
  }
  return all.update(generation.id, (present) => {
    const next = present.next[partition]
    if (next === to && written.every((one) => holds(present, one))) return undefined // our own
    if (next !== from || (last !== undefined && !holds(present, last))) {
      throw new ConflictError(
        `${present.id}: expected ${partition} to stand at ${from}, it stands at ${next}`,
      )
    }
    const others = present.blocks.filter(({ digest }) => digest !== last?.digest)
    return {
      ...present,
      blocks: withinLimits([...others, ...written], limits),
      next: { ...present.next, [partition]: to },
      follow: { ...present.follow, [partition]: follow },
    }
  })
}

/** The block of new pictures that has room left. */
function openBlock({ blocks }: Generation, partition: string): GenerationBlock | undefined {
  const mine = blocks.filter((one) => one.partition === partition && one.source === undefined)
  const last = mine.at(-1)
  return last !== undefined && last.rows < blockRows ? last : undefined
}

const holds = ({ blocks }: Generation, { digest }: GenerationBlock): boolean =>
  blocks.some((one) => one.digest === digest)

/** Without the oldest blocks that are too many, and those that are too old. */
export function withinLimits(
  blocks: readonly GenerationBlock[],
  { maxVectors, expiresBefore }: GenerationLimits,
): readonly GenerationBlock[] {
  let kept = blocks.filter(({ newest, rows }) => rows === 0 || newest >= expiresBefore)
  for (const oldest of kept.toSorted((a, b) => a.newest - b.newest)) {
    if (generationSize({ blocks: kept }) - oldest.rows < maxVectors) break
    kept = kept.filter((one) => one !== oldest)
  }
  return kept
}
