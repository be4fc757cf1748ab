import { z } from 'zod'
import { InputError } from '../errors.ts'

/** An object that was dropped into the bucket for uploads. */
export interface UploadedObject {
  readonly bucket: string
  /** As it is, no longer encoded for a URL. */
  readonly key: string
  readonly bytes: number
  /** When it was stored, ms since 1970. */
  readonly at: number
}

const objectSchema = z.object({
  eventTime: z.iso.datetime(),
  s3: z.object({
    bucket: z.object({ name: z.string().min(1) }),
    object: z.object({ key: z.string().min(1), size: z.int().min(0) }),
  }),
})
const eventSchema = z.union([
  // S3 sends it once, when the notification is set up.
  z.object({ Event: z.literal('s3:TestEvent') }).transform(() => []),
  z.object({ Records: z.array(objectSchema) }).transform(({ Records }) => Records),
])

/** A key as S3 writes it in events: a form, in which a space is a plus. */
function decodeKey(key: string): string {
  try {
    return decodeURIComponent(key.replaceAll('+', ' '))
  } catch (cause) {
    throw new InputError(`upload event: expected an encoded key, got ${key}`, { cause })
  }
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch (cause) {
    throw new InputError('upload event: expected JSON, got other text', { cause })
  }
}

/**
 * The objects that a message of the uploads queue tells of.
 *
 * @param body - An S3 event as JSON.
 * @throws {@link InputError} if it is anything else.
 */
export function readUploadEvent(body: string): readonly UploadedObject[] {
  const result = eventSchema.safeParse(parsed(body))
  if (!result.success) {
    const [issue] = result.error.issues
    const where = issue?.path.join('.') ?? ''
    throw new InputError(`upload event: expected an event of S3, got ${issue?.message} ${where}`)
  }
  return result.data.map(({ eventTime, s3: { bucket, object } }) => ({
    bucket: bucket.name,
    key: decodeKey(object.key),
    bytes: object.size,
    at: Date.parse(eventTime),
  }))
}
