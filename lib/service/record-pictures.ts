import { setTimeout as delay } from 'node:timers/promises'
import { SpanKind } from '@opentelemetry/api'
import { InputError, MissingError, PipelineError } from '../errors.ts'
import type { DecodedImage } from '../image/decode.ts'
import { imageId } from '../image/fingerprint.ts'
import type { BlobStore } from '../store/types.ts'
import { type Envelope, type ImageRecord, readImageRecord } from '../stream/envelope.ts'
import type { InRecord, Partition } from '../stream/types.ts'
import type { Decoders } from './decoders.ts'
import type { ReadElsewhere } from './pictures-elsewhere.ts'
import { isDataError, type Origin, type Quarantine } from './quarantine.ts'
import { contextOf, traced } from './tracing.ts'

/** A record that became a decoded picture. */
export interface RecordPicture {
  readonly id: string
  readonly source: string
  /** ms since 1970. */
  readonly at: number
  readonly image: DecodedImage
}

/** What became of a record on its way to a decoded picture. */
export type RecordOutcome =
  | { readonly outcome: 'picture'; readonly picture: RecordPicture }
  | { readonly outcome: 'duplicate' }
  | { readonly outcome: 'erased' }
  | { readonly outcome: 'quarantined' }

/** What reading records needs. */
export interface RecordReader {
  readonly role: 'embed' | 'learn'
  readonly blobs: BlobStore
  readonly decoders: Pick<Decoders, 'decode'>
  readonly quarantine: Quarantine
  /** Reads pictures that envelopes refer to. */
  readonly elsewhere: ReadElsewhere
  readonly maxBytes: number
  /** Whether these very bytes were applied before; such a record is not decoded again. */
  readonly wasSeen: (id: string) => boolean
  /** Whether somebody asked to forget it; such a record is not decoded either. */
  readonly isErased: (id: string) => boolean
}

/** A blob that is absent on so many reads, so far apart, is a fault of the record. */
const readsOfBlob = 3
const betweenReadsMs = 200

async function present(
  what: string,
  get: () => Promise<Uint8Array | undefined>,
): Promise<Uint8Array> {
  for (let read = 1; ; read += 1) {
    const bytes = await get()
    if (bytes !== undefined) return bytes
    if (read === readsOfBlob) throw new MissingError(`record: expected a picture ${what}, got none`)
    await delay(betweenReadsMs)
  }
}

/** Bytes that an envelope names; those from elsewhere are the pipeline's own from then on. */
async function pictureBytes(
  { blobs, elsewhere, isErased, maxBytes }: RecordReader,
  { sha256, ref }: Envelope,
): Promise<Uint8Array> {
  if (ref === undefined) return present(sha256, () => blobs.get('pictures', sha256, { maxBytes }))
  const place = `${ref.store}/${ref.key}`
  const bytes = await present(place, () => elsewhere(ref))
  const digest = imageId(bytes)
  if (digest !== sha256) {
    throw new InputError(`record: expected ${sha256} at ${place}, got a picture ${digest}`)
  }
  if (!isErased(sha256)) await blobs.put('pictures', bytes)
  return bytes
}

const timeOf = (text: string | undefined, otherwise: number): number =>
  text === undefined ? otherwise : Date.parse(text)

/** Why a picture is passed over; `undefined` if it is not. */
function passedOver(reader: RecordReader, id: string): 'duplicate' | 'erased' | undefined {
  if (reader.isErased(id)) return 'erased'
  return reader.wasSeen(id) ? 'duplicate' : undefined
}

async function decoded(
  reader: RecordReader,
  parsed: ImageRecord,
  record: InRecord,
): Promise<RecordOutcome> {
  if (parsed.kind === 'raw') {
    const { bytes, source, capturedAt } = parsed.picture
    const id = imageId(bytes)
    const outcome = passedOver(reader, id)
    if (outcome !== undefined) return { outcome }
    const image = await reader.decoders.decode(bytes)
    if (reader.isErased(id)) return { outcome: 'erased' } // meanwhile: it may be gone for good
    await reader.blobs.put('pictures', bytes)
    const at = timeOf(capturedAt, record.timestamp)
    return { outcome: 'picture', picture: { id, source, at, image } }
  }
  const { sha256: id, source, capturedAt } = parsed.envelope
  const outcome = passedOver(reader, id)
  if (outcome !== undefined) return { outcome }
  const image = await reader.decoders.decode(await pictureBytes(reader, parsed.envelope))
  const at = timeOf(capturedAt, record.timestamp)
  return { outcome: 'picture', picture: { id, source, at, image } }
}

/** Reads a record within the trace that it came in. */
function read(reader: RecordReader, topic: string, record: InRecord): Promise<RecordOutcome> {
  const parsed = readImageRecord(topic, record)
  const { traceparent } = parsed.kind === 'raw' ? parsed.picture : parsed.envelope
  const attributes = {
    'messaging.destination.name': topic,
    'messaging.operation.type': 'process',
    'contrastream.role': reader.role,
  }
  const options = { kind: SpanKind.CONSUMER, attributes }
  return traced(`process ${topic}`, options, contextOf(traceparent), async (span) => {
    const outcome = await decoded(reader, parsed, record)
    span.setAttribute('contrastream.outcome', outcome.outcome)
    return outcome
  })
}

/** What names a bad record's picture; the bytes of a raw one go to the quarantine space first. */
async function described(reader: RecordReader, record: InRecord): Promise<Origin['envelope']> {
  if (record.value[0] !== 0x7b) {
    if (record.value.length === 0) return undefined
    const sha256 = await reader.blobs.put('quarantine', record.value)
    return { sha256, bytes: record.value.length, source: record.headers['source'] ?? '' }
  }
  try {
    return JSON.parse(new TextDecoder().decode(record.value)) as Origin['envelope']
  } catch {
    return undefined
  }
}

/**
 * Reads, checks and decodes records of one partition, side by side.
 *
 * A record whose data are at fault is set aside, and the others go on.
 *
 * @throws the error of a store, stream or decoder that is out of order: nothing was applied.
 */
export function readRecords(
  reader: RecordReader,
  partition: Partition,
  records: readonly InRecord[],
): Promise<RecordOutcome[]> {
  const at = partition.lastIndexOf('/')
  const topic = partition.slice(0, at)
  const number = Number(partition.slice(at + 1))
  const one = async (record: InRecord): Promise<RecordOutcome> => {
    try {
      return await read(reader, topic, record)
    } catch (error) {
      const isDamagedBlob = error instanceof PipelineError && error.reason === 'damaged'
      if (!isDataError(error) && !isDamagedBlob) throw error
      const envelope = await described(reader, record)
      const { offset, timestamp, headers } = record
      const attempts = Number(headers['attempts'] ?? 0)
      const firstSeen = headers['first-seen']
      await reader.quarantine.add(
        {
          topic,
          partition: number,
          offset,
          timestamp,
          attempts: Number.isInteger(attempts) ? attempts : 0,
          ...(firstSeen !== undefined && { firstSeen }),
          ...(envelope && { envelope }),
        },
        error as PipelineError,
      )
      return { outcome: 'quarantined' }
    }
  }
  return Promise.all(records.map(one))
}
