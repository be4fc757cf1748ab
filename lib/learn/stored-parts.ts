import { CheckpointError } from '../errors.ts'
import type { CheckpointHead, PartRef, PartRefs } from '../registry/checkpoint-head.ts'
import { digestOf } from '../registry/digest.ts'
import { soundBlob } from '../registry/sound-blob.ts'
import type { BlobStore } from '../store/types.ts'
import { decodePart, encodePart, type PartContent } from './parts.ts'

/** Parts of a checkpoint by name. */
export type Parts = Readonly<Record<string, PartContent>>

/** The parts of a checkpoint, and those of the round under way. */
export interface FoundParts {
  readonly parts: Parts
  /** The round's frozen parts; one that has not changed since is the same object as in `parts`. */
  readonly round?: Parts
}

/**
 * Stores one part, unless it is what `present` names already.
 *
 * @throws {@link StoreError} if it cannot be stored.
 */
export async function storePart(
  blobs: BlobStore,
  part: PartContent,
  present: PartRef | undefined,
): Promise<PartRef> {
  const bytes = encodePart(part)
  const digest = digestOf(bytes)
  if (present?.digest !== digest) await blobs.put('state', bytes)
  return { digest, bytes: bytes.length }
}

/**
 * Reads and verifies all parts that a head names.
 *
 * @returns The parts, or the names of those that are missing or damaged.
 * @throws {@link StoreError} if the store is out of reach, which says nothing about the parts.
 */
export async function readParts(
  blobs: BlobStore,
  head: CheckpointHead,
): Promise<FoundParts | { readonly damaged: readonly string[] }> {
  const byDigest = new Map<string, Promise<PartContent | undefined>>()
  const damaged = new Set<string>()
  async function readAll(refs: PartRefs): Promise<Parts> {
    const read = Object.entries(refs).map(async ([name, ref]) => {
      const part = byDigest.get(ref.digest) ?? readPart(blobs, ref)
      byDigest.set(ref.digest, part)
      return [name, await part] as const
    })
    const found: [string, PartContent][] = []
    for (const [name, part] of await Promise.all(read)) {
      if (part) found.push([name, part])
      else damaged.add(name)
    }
    return Object.fromEntries(found)
  }
  const parts = await readAll(head.parts)
  const round = head.round && (await readAll(head.round.parts))
  if (damaged.size > 0) return { damaged: [...damaged] }
  return { parts, ...(round && { round }) }
}

/** The part; `undefined` if it is missing or damaged. */
async function readPart(blobs: BlobStore, ref: PartRef): Promise<PartContent | undefined> {
  const bytes = await soundBlob(blobs, 'state', ref.digest, ref.bytes)
  if (bytes?.length !== ref.bytes) return undefined
  try {
    return decodePart(bytes)
  } catch (error) {
    if (error instanceof CheckpointError) return undefined
    throw error
  }
}
