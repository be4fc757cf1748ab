import { isDigest } from './blob-digest.ts'
import type { ObjectListed } from './s3-objects.ts'
import type { Digest } from './types.ts'

/** A blob as two listings show it: its own object, the copy that is kept, or both. */
export interface ListedBlob {
  readonly digest: Digest
  readonly own: ObjectListed | undefined
  readonly copy: ObjectListed | undefined
}

/**
 * Walks a listing of blobs and one of their kept copies side by side, both in the order of their
 * digests. Objects that no blob store named are left out.
 */
export async function* pairedListing(
  owns: AsyncIterable<ObjectListed>,
  copies: AsyncIterable<ObjectListed>,
): AsyncGenerator<ListedBlob> {
  const left = named(owns)
  const right = named(copies)
  let own = await left()
  let copy = await right()
  while (own !== undefined || copy !== undefined) {
    const digest = [own, copy].flatMap((one) => one?.digest ?? []).sort()[0] as Digest
    const isOwn = own?.digest === digest
    const isCopy = copy?.digest === digest
    yield { digest, own: isOwn ? own?.object : undefined, copy: isCopy ? copy?.object : undefined }
    if (isOwn) own = await left()
    if (isCopy) copy = await right()
  }
}

/** Takes the next blob of a listing. */
function named(listing: AsyncIterable<ObjectListed>) {
  const objects = listing[Symbol.asyncIterator]()
  return async (): Promise<
    { readonly digest: Digest; readonly object: ObjectListed } | undefined
  > => {
    for (;;) {
      const { done, value } = await objects.next()
      if (done === true) return undefined
      const digest = value.key.slice(-64)
      if (isDigest(digest)) return { digest, object: value }
    }
  }
}
