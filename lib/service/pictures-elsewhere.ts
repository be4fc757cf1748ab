import type { Config } from '../config/schema.ts'
import { InputError } from '../errors.ts'
import type { Bucket } from '../store/s3-bucket.ts'
import type { Envelope } from '../stream/envelope.ts'

/** Where an envelope says that its picture lies, if not among the pipeline's own. */
export type PictureReference = NonNullable<Envelope['ref']>

/** Reads such a picture; undefined if it is not there. */
export type ReadElsewhere = (reference: PictureReference) => Promise<Uint8Array | undefined>

/** Whether an entry of `store.allow`, a bucket or a folder in one, holds the key. */
function holds(entry: string, { store, key }: PictureReference): boolean {
  return entry === store || `${store}/${key}`.startsWith(`${entry}/`)
}

/**
 * Reads pictures that lie in other buckets, of the server that the settings name: only where
 * `store.allow` says so, and never by a URL. The digest in the envelope decides whether it is the
 * picture, so that the version of an object is not asked for.
 *
 * @returns Rejects with {@link InputError} for a place that is not allowed.
 */
export function picturesElsewhere({ store, limits }: Config): ReadElsewhere {
  const buckets = new Map<string, Promise<Bucket>>()
  const open = async (name: string): Promise<Bucket> => {
    // Only now: the client takes longer to load than most commands to run.
    const { s3Bucket } = await import('../store/s3-bucket.ts')
    const { s3Client } = await import('../store/s3-client.ts')
    return s3Bucket(s3Client(store.s3), name)
  }
  return async (reference) => {
    const { store: name, key } = reference
    if (!store.allow.some((entry) => holds(entry, reference))) {
      const allowed = store.allow.length === 0 ? 'names nothing' : `names ${store.allow.join(', ')}`
      throw new InputError(
        `record: expected a picture where store.allow permits it, which ${allowed}; got ${name}/${key}`,
      )
    }
    const bucket = buckets.get(name) ?? open(name)
    buckets.set(name, bucket)
    const found = await (await bucket).get(key, { maxBytes: limits.bytes })
    return typeof found === 'object' ? found.bytes : undefined
  }
}
