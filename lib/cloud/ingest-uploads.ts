import { ErasedError, ImageSizeError, InputError, MissingError } from '../errors.ts'
import { expectPicture } from '../image/decode.ts'
import type { ImageLimits } from '../image/options.ts'
import { type AcceptParts, acceptPicture } from '../service/accept-picture.ts'
import { isDataError, type Quarantine } from '../service/quarantine.ts'
import { readUploadEvent, type UploadedObject } from './upload-events.ts'

/** What became of the objects that a message told of. */
export interface IngestCounts {
  readonly accepted: number
  /** Of these, how many were stored before. */
  readonly duplicates: number
  readonly quarantined: number
  /** Somebody asked that they be forgotten. */
  readonly erased: number
}

/** What {@link ingestUploads} needs. */
export interface IngestParts {
  /** The one bucket that uploads come from. */
  readonly bucket: string
  /** Bytes of an object there; absent if it is gone. */
  readonly read: (key: string, maxBytes: number) => Promise<Uint8Array | undefined>
  readonly limits: ImageLimits
  readonly accept: AcceptParts
  readonly quarantine: Quarantine
}

type Fate = 'accepted' | 'duplicates' | 'quarantined' | 'erased'

/** Who a picture comes from: the folder it was dropped into. */
function sourceOf(key: string): string {
  const at = key.indexOf('/')
  return at > 0 ? key.slice(0, Math.min(at, 200)) : 'uploads'
}

async function take(parts: IngestParts, { bucket, key, bytes }: UploadedObject): Promise<Fate> {
  if (bucket !== parts.bucket) {
    throw new InputError(`upload ${key}: expected one in ${parts.bucket}, got one in ${bucket}`)
  }
  const { bytes: limit } = parts.limits
  // By the event, before anything is fetched.
  if (bytes > limit) {
    const message = `upload ${key}: expected at most ${limit} bytes, got ${bytes}`
    throw new ImageSizeError(message, { reason: 'bytes', limit, got: bytes })
  }
  const read = await parts.read(key, limit)
  if (read === undefined) throw new MissingError(`upload ${key}: expected an object, it is gone`)
  await expectPicture(read, parts.limits)
  const { duplicate } = await acceptPicture(parts.accept, { bytes: read, source: sourceOf(key) })
  return duplicate ? 'duplicates' : 'accepted'
}

/**
 * Takes in the pictures that a message of the uploads queue tells of.
 *
 * What is wrong with the data is set aside with its reason, and does not come again.
 *
 * @param body - The message: an S3 event.
 * @param now - Time of a message that tells none, ms since 1970.
 * @throws the error of a store or stream that is out of order: the message is to come again.
 */
export async function ingestUploads(
  parts: IngestParts,
  body: string,
  now: number,
): Promise<IngestCounts> {
  const fates: Fate[] = []
  const setAside = async (error: unknown, at: number, envelope?: UploadedObject): Promise<void> => {
    if (error instanceof ErasedError) {
      fates.push('erased')
      return
    }
    if (!isDataError(error)) throw error
    // An upload lies in no partition: what names it is its key.
    const origin = { topic: 'uploads', partition: 0, offset: 0, timestamp: at }
    await parts.quarantine.add({ ...origin, ...(envelope && { envelope: { ...envelope } }) }, error)
    fates.push('quarantined')
  }
  let objects: readonly UploadedObject[] = []
  try {
    objects = readUploadEvent(body)
  } catch (error) {
    await setAside(error, now)
  }
  for (const object of objects) {
    try {
      fates.push(await take(parts, object))
    } catch (error) {
      await setAside(error, object.at, object)
    }
  }
  const count = (...some: readonly Fate[]): number =>
    fates.filter((fate) => some.includes(fate)).length
  return {
    accepted: count('accepted', 'duplicates'),
    duplicates: count('duplicates'),
    quarantined: count('quarantined'),
    erased: count('erased'),
  }
}
