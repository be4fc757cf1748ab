import type { Matrix } from '../engine/matrix.ts'
import { PipelineError } from '../errors.ts'
import type { BlobStore } from '../store/types.ts'
import type { VersionEmbedder } from './embedder-parts.ts'
import { isDataError } from './quarantine.ts'

/** Pixels of a stored picture; absent if it is no longer there, or does not decode. */
export async function storedPixelsOf(
  blobs: BlobStore,
  { decoders }: Pick<VersionEmbedder, 'decoders'>,
  id: string,
  maxBytes: number,
): Promise<Uint8Array | undefined> {
  try {
    const bytes = await blobs.get('pictures', id, { maxBytes })
    return bytes && (await decoders.decode(bytes)).pixels
  } catch (error) {
    const isDamaged = error instanceof PipelineError && error.reason === 'damaged'
    if (isDataError(error) || isDamaged) return undefined
    throw error
  }
}

/** Bytes one after another. */
export function joinedBytes(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

/** A copy of a row, which keeps nothing else alive. */
export function rowOf({ dim, data }: Matrix, row: number): Float32Array {
  return data.slice(row * dim, (row + 1) * dim)
}
