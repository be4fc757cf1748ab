import { z } from 'zod'
import { ImageTypeError } from '../errors.ts'
import {
  digestSchema,
  instantSchema,
  nameSchema,
  type RecordKind,
  readJsonRecord,
  writeJsonRecord,
} from './record-json.ts'
import type { InRecord } from './types.ts'

/** Largest envelope, in bytes of JSON. */
export const maxEnvelopeBytes: number = 1024

/** Names a picture that lies in a blob store: the usual record of `images.unlabeled`. */
export interface Envelope {
  /** Major version; additions keep it, readers refuse another one. */
  readonly v: 1
  /** The image id. */
  readonly sha256: string
  readonly bytes: number
  /** What the sender says; never trusted. */
  readonly mediaType: string
  /** Who sent it, for quotas and for forgetting. */
  readonly source: string
  /** Where the blob lies, if not among the pipeline's own pictures: never a URL. */
  readonly ref?: { readonly store: string; readonly key: string; readonly versionId?: string }
  readonly width?: number
  readonly height?: number
  /** ISO 8601, UTC. */
  readonly capturedAt?: string
  readonly eventId?: string
  /** W3C trace context. */
  readonly traceparent?: string
}

/** Schema of {@link Envelope}; unknown fields are kept. */
export const envelopeSchema: z.ZodType<Envelope> = z.looseObject({
  v: z.literal(1),
  sha256: digestSchema,
  bytes: z.int().min(1),
  mediaType: z.string().min(1).max(100),
  source: nameSchema,
  ref: z
    .looseObject({
      store: nameSchema,
      key: z.string().min(1).max(600),
      versionId: nameSchema.exactOptional(),
    })
    .exactOptional(),
  width: z.int().min(1).exactOptional(),
  height: z.int().min(1).exactOptional(),
  capturedAt: instantSchema.exactOptional(),
  eventId: nameSchema.exactOptional(),
  traceparent: nameSchema.exactOptional(),
})

/** How envelopes are read and written. */
export const envelopeKind: RecordKind<Envelope> = {
  what: 'envelope',
  schema: envelopeSchema,
  maxBytes: maxEnvelopeBytes,
}

/** Media types that the first bytes of a raw picture tell. */
export type PictureType = 'image/jpeg' | 'image/png' | 'image/webp'

/** A picture sent as it is. */
export interface RawPicture {
  readonly bytes: Uint8Array
  readonly mediaType: PictureType
  /** Header `source`, else the key as text, else the topic. */
  readonly source: string
  readonly capturedAt?: string
  readonly traceparent?: string
}

/** A record of a topic of pictures. */
export type ImageRecord =
  | { readonly kind: 'envelope'; readonly envelope: Envelope }
  | { readonly kind: 'raw'; readonly picture: RawPicture }

/**
 * Tells what a record is from its first bytes, and reads it.
 *
 * @param topic - Where it came from: the source of last resort.
 * @throws {@link ImageTypeError} if it is neither a JPEG, PNG or WebP picture nor an object in JSON.
 * @throws {@link InputError} if it is an envelope that breaks its rules.
 */
export function readImageRecord(
  topic: string,
  record: Pick<InRecord, 'key' | 'value' | 'headers'>,
): ImageRecord {
  const { value } = record
  if (value[0] === 0x7b) return { kind: 'envelope', envelope: readJsonRecord(envelopeKind, value) }
  const mediaType = pictureType(value)
  if (mediaType) return { kind: 'raw', picture: rawPicture(topic, record, mediaType) }
  const first = Buffer.from(value.subarray(0, 12)).toString('hex')
  const got = value.length === 0 ? 'no bytes' : `the first bytes ${first}`
  throw new ImageTypeError(`record of ${topic}: expected a picture or an envelope, got ${got}`)
}

/** Bytes of an envelope, ready to be sent. */
export function writeEnvelope(envelope: Envelope): Uint8Array {
  return writeJsonRecord(envelopeKind, envelope)
}

/** Kind of a picture by its first bytes; absent for anything else. */
export function pictureType(bytes: Uint8Array): PictureType | undefined {
  const text = Buffer.from(bytes.subarray(0, 12)).toString('latin1')
  if (text.startsWith('\xff\xd8\xff')) return 'image/jpeg'
  if (text.startsWith('\x89PNG\r\n\x1a\n')) return 'image/png'
  if (text.startsWith('RIFF') && text.slice(8) === 'WEBP') return 'image/webp'
  return undefined
}

function rawPicture(
  topic: string,
  { key, value, headers }: Pick<InRecord, 'key' | 'value' | 'headers'>,
  mediaType: PictureType,
): RawPicture {
  const capturedAt = instantSchema.safeParse(headers['captured-at'])
  const traceparent = nameSchema.safeParse(headers['traceparent'])
  // A header that is wrong tells nothing against the picture: it is left out.
  return {
    bytes: value,
    mediaType,
    source: (headers['source'] || asText(key) || topic).slice(0, 200),
    ...(capturedAt.success && { capturedAt: capturedAt.data }),
    ...(traceparent.success && { traceparent: traceparent.data }),
  }
}

/** Bytes as UTF-8, or in hex where they are none. */
function asText(bytes: Uint8Array | undefined): string {
  const text = new TextDecoder().decode(bytes)
  return text.includes('\ufffd') ? Buffer.from(bytes ?? []).toString('hex') : text
}
