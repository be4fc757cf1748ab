import { InputError, StoreError } from '../errors.ts'
import type { BlobStore, Digest, Space } from '../store/types.ts'

/**
 * The bytes of a blob, if they are all right.
 *
 * @param maxBytes - The size that is expected, at most.
 * @returns `undefined` if the blob is missing, damaged or larger.
 * @throws {@link StoreError} if the store is out of reach, which says nothing about the bytes.
 */
export async function soundBlob(
  blobs: BlobStore,
  space: Space,
  digest: Digest,
  maxBytes: number,
): Promise<Uint8Array | undefined> {
  try {
    return await blobs.get(space, digest, { maxBytes })
  } catch (error) {
    const isDamaged = error instanceof StoreError && error.reason === 'damaged'
    if (isDamaged || error instanceof InputError) return undefined
    throw error
  }
}
