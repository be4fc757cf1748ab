import { coverageOf, type Generation, generationSize } from '../search/generation.ts'
import { blocksByAge, loadBlock, soundBlock, stampOf } from '../search/load-generation.ts'
import type { BlobStore } from '../store/types.ts'
import type { GenerationStatus, VersionEmbedder } from './embedder-parts.ts'
import { joinedBytes, rowOf, storedPixelsOf } from './embedder-pixels.ts'
import type { TailTarget } from './embedder-tail.ts'

/** A generation at work: its document as last seen, its model, and which pictures it has. */
export interface WorkingGeneration extends TailTarget {
  document: Generation
  /** Ends what is done for it alone. */
  readonly stop: AbortController
}

/** Ids, of which the oldest are forgotten beyond a bound. */
class BoundedSet {
  readonly #ids = new Set<string>()
  readonly #max: number
  constructor(max: number) {
    this.#max = max
  }
  has(id: string): boolean {
    return this.#ids.has(id)
  }
  delete(id: string): void {
    this.#ids.delete(id)
  }
  add(id: string): void {
    this.#ids.add(id)
    if (this.#ids.size <= this.#max) return
    const [oldest] = this.#ids
    if (oldest !== undefined) this.#ids.delete(oldest)
  }
}

/**
 * Loads what working on a generation needs.
 *
 * @param max - Ids that are remembered at most.
 */
export async function workingGeneration(
  blobs: BlobStore,
  document: Generation,
  model: VersionEmbedder,
  max: number,
): Promise<WorkingGeneration> {
  const known = new BoundedSet(max)
  for (const block of blocksByAge(document)) {
    for (const id of (await soundBlock(blobs, document, block))?.ids ?? []) known.add(id)
  }
  const one: WorkingGeneration = {
    id: document.id,
    model,
    document,
    known,
    stop: new AbortController(),
    next: (partition) => one.document.next[partition] ?? Number.POSITIVE_INFINITY,
  }
  return one
}

/** Where it stands. */
export function statusOf({ id, document }: WorkingGeneration): GenerationStatus {
  const { recall } = document
  return {
    ...{ id, vectors: generationSize(document), coverage: coverageOf(document) },
    ...(recall !== undefined && { recall }),
  }
}

/** Vectors of stored pictures by its model; absent for those that are gone or do not decode. */
export async function vectorsOf(
  blobs: BlobStore,
  { model }: WorkingGeneration,
  ids: readonly string[],
  maxBytes: number,
): Promise<readonly (Float32Array | undefined)[]> {
  const pixels = await Promise.all(ids.map((id) => storedPixelsOf(blobs, model, id, maxBytes)))
  const found = pixels.filter((one) => one !== undefined)
  if (found.length === 0) return ids.map(() => undefined)
  const vectors = await model.embed(joinedBytes(found))
  let row = 0
  return pixels.map((one) => {
    if (one === undefined) return undefined
    row += 1
    return rowOf(vectors, row - 1)
  })
}

/** Share of true neighbours that an index of its blocks finds. */
export function recallOf(
  blobs: BlobStore,
  { model }: WorkingGeneration,
  document: Generation,
): Promise<number> {
  const { blocks, dim } = document
  return model.recall({
    ...stampOf(document),
    dim,
    sizes: blocks.map(({ rows }) => rows),
    block: (i) => loadBlock(blobs, document, blocks[i] as (typeof blocks)[number]),
  })
}
