import { setTimeout as delay } from 'node:timers/promises'
import { BusyError, ErasedError, ImageSizeError, ImageTypeError, StreamError } from '../errors.ts'
import type { ImageFormat } from '../image/options.ts'
import type { BlobStore } from '../store/types.ts'
import { pictureType, writeEnvelope } from '../stream/envelope.ts'
import type { OutRecord, StreamPort } from '../stream/types.ts'
import type { DiskSpace } from './disk-space.ts'

/** A picture as somebody hands it in. */
export interface Upload {
  readonly bytes: Uint8Array
  /** Who it comes from; absent: the configured source. */
  readonly source?: string
  /** ISO 8601, UTC. */
  readonly capturedAt?: string
  /** W3C trace context. */
  readonly traceparent?: string
}

/** A picture that is safe: whatever is killed now, it will be learnt from. */
export interface Accepted {
  /** sha256 of the bytes. */
  readonly id: string
  /** Whether these very bytes were stored before. */
  readonly duplicate: boolean
}

/** What accepting needs. */
export interface AcceptParts {
  readonly blobs: BlobStore
  readonly stream: StreamPort
  /** Topic of pictures. */
  readonly topic: string
  /** Source of pictures that name none. */
  readonly source: string
  readonly limits: { readonly bytes: number; readonly formats: readonly ImageFormat[] }
  /** sha256 in hex, made elsewhere than on the thread of the server. */
  readonly hash: (bytes: Uint8Array) => Promise<string>
  /** Whether somebody asked that the picture be forgotten. */
  readonly isErased: (id: string) => Promise<boolean>
  /** Room on the disk; absent where pictures do not go to one. */
  readonly space?: () => DiskSpace
  /** Time to have a record acknowledged, ms. Default 10,000. */
  readonly deadlineMs?: number
}

const defaultDeadlineMs = 10_000
const betweenSendsMs = 200

const startsWith = (bytes: Uint8Array, text: string, at = 0): boolean =>
  Buffer.from(bytes.subarray(at, at + text.length)).toString('latin1') === text

/** The format that the first bytes tell. */
function formatOf(bytes: Uint8Array): ImageFormat | undefined {
  const usual = pictureType(bytes)
  if (usual !== undefined) return usual.slice('image/'.length) as ImageFormat
  if (startsWith(bytes, 'GIF8')) return 'gif'
  if (startsWith(bytes, 'ftypavif', 4)) return 'avif'
  if (startsWith(bytes, 'II*\0') || startsWith(bytes, 'MM\0*')) return 'tiff'
  return undefined
}

function checked({ bytes }: Upload, { bytes: limit, formats }: AcceptParts['limits']): ImageFormat {
  const got = bytes.length
  if (got === 0 || got > limit) {
    const reason = got === 0 ? 'empty' : 'bytes'
    const message = `picture: expected 1 to ${limit} bytes, got ${got}`
    throw new ImageSizeError(message, { reason, limit, got })
  }
  const format = formatOf(bytes)
  if (format !== undefined && formats.includes(format)) return format
  const found = format ?? 'other bytes'
  throw new ImageTypeError(`picture: expected ${formats.join(', ')} by content, got ${found}`)
}

function expectSpace(space: AcceptParts['space']): void {
  const room = space?.()
  if (room === undefined || room.free > room.floor) return
  throw new BusyError(
    `picture: expected more than ${room.floor} bytes free on disk, got ${room.free}`,
    { reason: 'disk-full', retryable: true, limit: room.floor, got: room.free },
  )
}

/** Sends a record until it is acknowledged; what is not known to be stored is sent again. */
async function acknowledged(
  { stream, topic, deadlineMs = defaultDeadlineMs }: AcceptParts,
  record: OutRecord,
): Promise<void> {
  const end = performance.now() + deadlineMs
  for (;;) {
    const left = Math.max(1, end - performance.now())
    const [result] = await stream.send(topic, [record], { deadlineMs: left })
    if (result?.outcome === 'acked') return
    const reason = result?.reason ?? 'no answer'
    const message = `picture: expected the log to take its record, got ${reason}`
    if (result?.outcome === 'refused') throw new BusyError(message, { reason, retryable: true })
    if (performance.now() >= end) throw new StreamError(message, { reason, retryable: true })
    await delay(Math.min(betweenSendsMs, left))
  }
}

/**
 * Takes a picture in: first its bytes become a blob, then a record of the log names it.
 *
 * It resolves once the record is acknowledged, and not before: a picture of which the sender
 * heard nothing is sent again by him, and counts once.
 *
 * @throws {@link ImageSizeError}, {@link ImageTypeError} if it is none that we take;
 * {@link ErasedError} if it was erased; {@link BusyError}, retryable, while disk or log are full;
 * {@link StreamError}, retryable, if the log does not answer in time.
 */
export async function acceptPicture(parts: AcceptParts, upload: Upload): Promise<Accepted> {
  const format = checked(upload, parts.limits)
  expectSpace(parts.space)
  const { bytes, source, capturedAt, traceparent } = upload
  const id = await parts.hash(bytes)
  if (await parts.isErased(id))
    throw new ErasedError(`picture ${id}: expected one that may be kept`)
  const value = writeEnvelope({
    v: 1,
    sha256: id,
    bytes: bytes.length,
    mediaType: `image/${format}`,
    source: source ?? parts.source,
    ...(capturedAt !== undefined && { capturedAt }),
    ...(traceparent !== undefined && { traceparent }),
  })
  const duplicate = (await parts.blobs.stat('pictures', id)) !== undefined
  await parts.blobs.put('pictures', bytes)
  // A duplicate is sent, too: its first record may never have been acknowledged.
  await acknowledged(parts, { key: new TextEncoder().encode(id), value })
  return { id, duplicate }
}
