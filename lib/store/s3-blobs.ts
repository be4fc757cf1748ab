import type { S3Client } from '@aws-sdk/client-s3'
import { StoreError } from '../errors.ts'
import { sha256 } from './blob-digest.ts'
import { expectSize, maxBlobBytes, renewAfterMs } from './blob-limits.ts'
import type { Patience } from './s3-attempts.ts'
import { s3Bucket } from './s3-bucket.ts'
import { untilDecided } from './s3-course.ts'
import { pairedListing } from './s3-listing.ts'
import type { ObjectHead, ObjectRead } from './s3-objects.ts'
import { type S3Place, s3Keys } from './s3-place.ts'
import type { BlobInfo, BlobStore, Digest, Space } from './types.ts'

/** Settings of the blobs in a bucket. */
export interface S3BlobsOptions extends Patience {
  /** Wall clock for ages, ms since 1970; objects have the server's. Default `Date.now`. */
  readonly now?: () => number
}

/** What a listing and a look at an object both tell. */
type Measured = Pick<ObjectHead, 'bytes' | 'at'>

/**
 * Blobs as objects `blobs/<space>/<aa>/<digest>`; a kept picture has a copy `kept/<aa>/<digest>`.
 *
 * Nothing here expires: the bucket's lifecycle removes what is old below `blobs/`, and never what
 * is below `kept/`. An object's age is the time since it was last written, so a blob that is used
 * again after half a day is written again. That gives it another tag too: a `delete` that saw the
 * old one removes nothing.
 *
 * @param client - The caller destroys it.
 */
export function s3Blobs(client: S3Client, place: S3Place, options: S3BlobsOptions = {}): BlobStore {
  const { now = Date.now, ...patience } = options
  const bucket = s3Bucket(client, place.bucket, patience)
  const keys = s3Keys(place)

  const ageOf = ({ at }: { readonly at: number }) => Math.max(0, now() - at)
  const isOld = (object: { readonly at: number }) => ageOf(object) >= renewAfterMs

  /** The object if its bytes are those of the digest. @throws StoreError `damaged` if not. */
  async function read(
    key: string,
    digest: Digest,
    maxBytes: number,
  ): Promise<ObjectRead | undefined> {
    const found = await bucket.get(key, { maxBytes })
    if (typeof found !== 'object') return undefined
    if ((await sha256(found.bytes)) === digest) return found
    const got = `${found.bytes.length} other ones`
    const message = `get ${bucket.at(key)}: expected the bytes of its digest, got ${got}`
    const remedy = 'put it again, or restore an older version of the object'
    throw new StoreError(`${message}; ${remedy}`, { reason: 'damaged' })
  }

  /** Whether an object holds exactly these bytes; read only where the server kept no sha256. */
  async function holds(key: string, found: ObjectHead, bytes: Uint8Array, digest: Digest) {
    if (found.bytes !== bytes.length) return false
    if (found.sha256 !== undefined) return found.sha256 === digest
    const stored = await bucket.get(key, { maxBytes: bytes.length })
    return typeof stored === 'object' && (await sha256(stored.bytes)) === digest
  }

  /** Makes sure that the bytes are there, whole, and less than half a day old. */
  async function ensure(key: string, bytes: Uint8Array, digest: Digest): Promise<void> {
    await untilDecided(`put ${bucket.at(key)}`, patience, async ({ saw }) => {
      const created = saw(await bucket.put(key, bytes, 'absent', digest))
      if (created.is === 'stored') return true
      const found = await bucket.head(key)
      if (found === undefined) return undefined
      const isWhole = await holds(key, found, bytes, digest)
      if (isWhole && !isOld(found)) return true
      // Equal bytes have an equal tag, unless the one was put and the other uploaded as a part.
      const isPart = /-\d+"?$/.test(found.etag)
      const written =
        isWhole && !isPart
          ? await bucket.putAsPart(key, bytes, found)
          : await bucket.put(key, bytes, found, digest)
      return saw(written).is === 'stored' ? true : undefined
    })
  }

  const infoOf = (
    digest: Digest,
    own: Measured | undefined,
    copy: Measured | undefined,
  ): BlobInfo => ({
    digest,
    bytes: (own ?? copy)?.bytes ?? 0,
    ageMs: ageOf({ at: Math.max(own?.at ?? 0, copy?.at ?? 0) }),
    kept: copy !== undefined,
  })

  const keptHead = async (space: Space, digest: Digest) =>
    space === 'pictures' ? bucket.head(keys.kept(digest)) : undefined

  return {
    put: async (space, bytes) => {
      expectSize(`put to ${bucket.at(keys.blobs(space))}`, bytes.length, maxBlobBytes)
      const digest = await sha256(bytes)
      await ensure(keys.blob(space, digest), bytes, digest)
      return digest
    },
    get: async (space, digest, { maxBytes }) => {
      const found =
        (await read(keys.blob(space, digest), digest, maxBytes)) ??
        (space === 'pictures' ? await read(keys.kept(digest), digest, maxBytes) : undefined)
      return found?.bytes
    },
    stat: async (space, digest) => {
      const [own, copy] = await Promise.all([
        bucket.head(keys.blob(space, digest)),
        keptHead(space, digest),
      ])
      return own || copy ? infoOf(digest, own, copy) : undefined
    },
    keep: async (digest) => {
      const own = keys.blob('pictures', digest)
      const copy = await bucket.head(keys.kept(digest))
      if (copy !== undefined) {
        const found = await bucket.head(own)
        if (found !== undefined && !isOld(found)) return true
      }
      const stored = await read(own, digest, maxBlobBytes)
      const bytes = (stored ?? (await read(keys.kept(digest), digest, maxBlobBytes)))?.bytes
      if (bytes === undefined) return false
      if (copy === undefined) await ensure(keys.kept(digest), bytes, digest)
      // It may be released at once, and then has the age of its own object.
      if (stored === undefined || isOld(stored)) await ensure(own, bytes, digest)
      return true
    },
    unkeep: async (digest) => bucket.erase(keys.kept(digest)),
    async *list(space, { kept } = {}) {
      const owns = bucket.list(keys.blobs(space))
      const copies = space === 'pictures' ? bucket.list(keys.keptCopies) : none()
      for await (const { digest, own, copy } of pairedListing(owns, copies)) {
        const isKept = copy !== undefined
        if (kept === undefined || kept === isKept) yield infoOf(digest, own, copy)
      }
    },
    delete: async (space, digest, { olderThanMs }) => {
      const key = keys.blob(space, digest)
      return untilDecided(`delete ${bucket.at(key)}`, patience, async (course) => {
        if ((await keptHead(space, digest)) !== undefined) return false
        const found = await bucket.head(key)
        // Gone after an attempt without an answer counts as gone by it: nobody needs to know more.
        if (found === undefined) return course.doubt !== undefined
        if (ageOf(found) < olderThanMs) return false
        return course.saw(await bucket.remove(key, found.etag)).is === 'stored' ? true : undefined
      })
    },
  }
}

async function* none(): AsyncGenerator<never> {}
