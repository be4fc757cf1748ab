import { z } from 'zod'
import {
  countSchema,
  digestSchema,
  instantSchema,
  nameSchema,
  type RecordKind,
  readJsonRecord,
  writeJsonRecord,
} from './record-json.ts'

/**
 * Says that a channel has moved: the records of `models.published`.
 *
 * Only a hint: readers look at the channel itself, so that a missing or repeated one changes
 * nothing.
 */
export interface Hint {
  readonly v: 1
  /** Name of the pipeline. */
  readonly name: string
  readonly channel: 'candidate' | 'stable'
  /** Counter of the channel's moves. */
  readonly seq: number
  /** Version id, `v<n>-<12 hex>`. */
  readonly version: string
  readonly generation?: string
  readonly manifestSha256: string
  /** Lease number of the mover. */
  readonly fence: number
  /** ISO 8601, UTC. */
  readonly at: string
}

/** Schema of {@link Hint}; unknown fields are kept. */
export const hintSchema: z.ZodType<Hint> = z.looseObject({
  v: z.literal(1),
  name: z.string().regex(/^[a-z][a-z0-9-]{0,31}$/),
  channel: z.enum(['candidate', 'stable']),
  seq: countSchema,
  version: z.string().regex(/^v[0-9]+-[0-9a-f]{12}$/),
  generation: nameSchema.exactOptional(),
  manifestSha256: digestSchema,
  fence: countSchema,
  at: instantSchema,
})

/** How hints are read and written. */
export const hintKind: RecordKind<Hint> = { what: 'hint', schema: hintSchema, maxBytes: 1024 }

/** @throws {@link InputError} if the value is no hint. */
export function readHint(value: Uint8Array): Hint {
  return readJsonRecord(hintKind, value)
}

/** Bytes of a hint. */
export function writeHint(hint: Hint): Uint8Array {
  return writeJsonRecord(hintKind, hint)
}

/** Key of a hint: the compacted topic keeps the last one of each pipeline and channel. */
export function hintKey({ name, channel }: Pick<Hint, 'name' | 'channel'>): Uint8Array {
  return new TextEncoder().encode(`${name}/${channel}`)
}
