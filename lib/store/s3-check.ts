import { randomUUID } from 'node:crypto'
import type { S3Client } from '@aws-sdk/client-s3'
import { StoreError } from '../errors.ts'
import type { Patience } from './s3-attempts.ts'
import { type Bucket, s3Bucket } from './s3-bucket.ts'
import { busyKey, s3Error } from './s3-faults.ts'
import type { Condition } from './s3-objects.ts'
import { type S3Place, s3Keys } from './s3-place.ts'

/** What a bucket was found to do, and what to do about it. */
export interface BucketFinding {
  /** The promise that was tried. */
  readonly what: string
  readonly ok: boolean
  readonly detail: string
  readonly remedy?: string
}

const otherServer = 'use a server that honours conditional requests: AWS S3, or a recent MinIO'
const alone = `${otherServer}; until then let \`models gc\` run while nothing else does`

/**
 * Tries on a real bucket what the stores rely on, with an object of its own that it removes again.
 *
 * @param client - The caller destroys it.
 * @param place - Where the stores are, or will be: the rights may end there.
 * @returns One finding a promise; a single one that fails where the bucket does not let us.
 */
export async function checkBucket(
  client: S3Client,
  place: S3Place,
  patience: Patience = {},
): Promise<readonly BucketFinding[]> {
  const bucket = s3Bucket(client, place.bucket, patience)
  const key = `${s3Keys(place).root}check/${randomUUID()}`
  try {
    return await findings(bucket, key)
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
    const remedy = 'check store.s3, the credentials and the network'
    return [{ what: 'access', ok: false, detail: error.message, remedy }]
  }
}

async function findings(bucket: Bucket, key: string): Promise<BucketFinding[]> {
  const put = (text: string, condition: Condition) => bucket.put(key, Buffer.from(text), condition)
  const first = await put('first', 'absent')
  if (first.is === 'unknown') throw s3Error(`put ${bucket.at(key)}`, 'write', first.cause)
  if (first.is !== 'stored') throw busyKey(`put ${bucket.at(key)}`)
  try {
    const again = await put('again', 'absent')
    const present = (await bucket.head(key))?.etag ?? first.etag
    const second = await put('second', { etag: present })
    const stale = await put('stale', { etag: present })
    const unless = (await bucket.head(key))?.etag
    const unchanged = await bucket.get(key, { maxBytes: 100, unless })
    const listed = await Array.fromAsync(bucket.list(key))
    const removed = await bucket.remove(key, present)
    const isGone = (await bucket.head(key)) === undefined
    return [
      finding('access', `${bucket.at(key)} is written and read`, true, ''),
      finding('If-None-Match', 'a second create is refused', again.is === 'refused'),
      finding('If-Match', 'a swap under the present tag is stored', second.is === 'stored'),
      finding('If-Match', 'a swap under an older tag is refused', stale.is === 'refused'),
      finding('304', 'what is unchanged is not sent again', unchanged === 'unchanged'),
      finding('list', 'what was just written is listed', listed.length === 1),
      finding(
        'If-Match on DELETE',
        'a delete under an older tag is refused',
        removed.is === 'refused' && !isGone,
        alone,
      ),
    ]
  } finally {
    await bucket.erase(key)
  }
}

function finding(
  what: string,
  claim: string,
  ok: boolean,
  remedy: string = otherServer,
): BucketFinding {
  return ok ? { what, ok, detail: claim } : { what, ok, detail: `not so: ${claim}`, remedy }
}
