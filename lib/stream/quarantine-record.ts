import { z } from 'zod'
import { type ErrorCode, errorCodes } from '../errors.ts'
import {
  countSchema,
  instantSchema,
  nameSchema,
  type RecordKind,
  readJsonRecord,
  writeJsonRecord,
} from './record-json.ts'

/** Longest message in a quarantine record, in characters. */
export const maxQuarantineMessage: number = 500

/** A record that was set aside, and why: the records of `images.dead`. Never holds the bytes. */
export interface QuarantineRecord {
  readonly v: 1
  /** Where the record lies, or lay. */
  readonly topic: string
  readonly partition: number
  readonly offset: number
  /** When it was stored, ms since 1970. */
  readonly timestamp: number
  /** Who set it aside: `ingest`, `embed` or `learn`. */
  readonly role: string
  readonly code: ErrorCode
  readonly message: string
  /** How often it was tried; a replay adds one. */
  readonly attempts: number
  readonly firstSeen: string
  readonly lastSeen: string
  readonly programVersion: string
  /** What names the picture; for a raw one, made when its bytes went to the quarantine space. */
  readonly envelope?: Readonly<Record<string, unknown>>
}

/** Schema of {@link QuarantineRecord}; unknown fields are kept. */
export const quarantineSchema: z.ZodType<QuarantineRecord> = z.looseObject({
  v: z.literal(1),
  topic: z.string().min(1).max(249),
  partition: countSchema,
  offset: countSchema,
  timestamp: countSchema,
  role: nameSchema,
  code: z.enum(errorCodes),
  message: z.string().max(maxQuarantineMessage),
  attempts: z.int().min(1),
  firstSeen: instantSchema,
  lastSeen: instantSchema,
  programVersion: nameSchema,
  // Whatever was sent: it may be the envelope itself that breaks its rules.
  envelope: z.record(z.string(), z.unknown()).exactOptional(),
})

/** How quarantine records are read and written. */
export const quarantineKind: RecordKind<QuarantineRecord> = {
  what: 'quarantine record',
  schema: quarantineSchema,
  maxBytes: 8 * 1024,
}

/** @throws {@link InputError} if the value is no quarantine record. */
export function readQuarantine(value: Uint8Array): QuarantineRecord {
  return readJsonRecord(quarantineKind, value)
}

/** Bytes of a quarantine record; a message that is too long is cut. */
export function writeQuarantine(record: QuarantineRecord): Uint8Array {
  const message = record.message.slice(0, maxQuarantineMessage)
  return writeJsonRecord(quarantineKind, { ...record, message })
}
