import type { Amount, BlobInfo, BlobStore, Digest } from '../store/types.ts'
import { defaultCollectOptions } from './collect.ts'
import type { Lease } from './lease-document.ts'

/** Settings of the collection of pictures. */
export interface CollectPicturesOptions {
  /** A picture kept since less stays kept, named or not, ms. Default 24 hours. */
  readonly minAgeMs?: number
  /** Age at which a picture goes that nothing names, ms. Default: none does. */
  readonly expireMs?: number
}

/** Defaults of {@link CollectPicturesOptions}. */
export const defaultCollectPicturesOptions: Required<CollectPicturesOptions> = {
  minAgeMs: defaultCollectOptions.minAgeMs,
  expireMs: Number.POSITIVE_INFINITY,
}

/** What collection does to pictures. */
export interface CollectedPictures {
  /** Named ones that had lost their mark. */
  readonly kept: number
  /** Kept ones that nothing names any more: from now on they may expire. */
  readonly released: number
  readonly expired: Amount
}

/** What one picture is in for. */
interface Fate {
  readonly keep: boolean
  readonly release: boolean
  readonly expire: boolean
}

/**
 * What collection would do to pictures now. Nothing is changed.
 *
 * @param named - Image ids that a checkpoint names, or the frozen input of a round.
 */
export function planPictures(
  blobs: BlobStore,
  named: ReadonlySet<Digest>,
  options: CollectPicturesOptions = {},
): Promise<CollectedPictures> {
  return tally(blobs, named, options, async (_, { expire }) => expire)
}

/**
 * Makes the marks of pictures follow what names them, and removes those past their age.
 *
 * Whoever names a picture keeps it first, which renews its age: one that `named` does not show
 * yet is younger than both ages here. If such a one loses its mark to us all the same, because it
 * was kept again between a look at it and its release, the next collection gives it back long
 * before it can expire.
 *
 * @param lease - The lease `gc`: without it nothing is changed.
 * @throws {@link LeaseLostError} as soon as the lease is not held.
 */
export function collectPictures(
  blobs: BlobStore,
  named: ReadonlySet<Digest>,
  lease: Pick<Lease, 'assertHeld'>,
  options: CollectPicturesOptions = {},
): Promise<CollectedPictures> {
  const { expireMs: olderThanMs } = { ...defaultCollectPicturesOptions, ...options }
  return tally(blobs, named, options, async (digest, { keep, release, expire }) => {
    lease.assertHeld()
    if (keep) await blobs.keep(digest)
    if (release) await blobs.unkeep(digest)
    return expire && blobs.delete('pictures', digest, { olderThanMs })
  })
}

/** Decides on each picture, and counts; `apply` says whether one that was to expire is gone. */
async function tally(
  blobs: BlobStore,
  named: ReadonlySet<Digest>,
  options: CollectPicturesOptions,
  apply: (digest: Digest, fate: Fate) => Promise<boolean>,
): Promise<CollectedPictures> {
  const ages = { ...defaultCollectPicturesOptions, ...options }
  const total = { kept: 0, released: 0, expired: { count: 0, bytes: 0 } }
  for await (const info of blobs.list('pictures')) {
    const fate = fateOf(info, named.has(info.digest), ages)
    if (!fate.keep && !fate.release && !fate.expire) continue
    const isGone = await apply(info.digest, fate)
    if (fate.keep) total.kept += 1
    if (fate.release) total.released += 1
    if (!isGone) continue
    total.expired.count += 1
    total.expired.bytes += info.bytes
  }
  return total
}

function fateOf(
  { kept, ageMs }: BlobInfo,
  isNamed: boolean,
  { minAgeMs, expireMs }: Required<CollectPicturesOptions>,
): Fate {
  const release = kept && !isNamed && ageMs >= minAgeMs
  return {
    keep: isNamed && !kept,
    release,
    expire: !isNamed && (release || !kept) && ageMs >= expireMs,
  }
}
