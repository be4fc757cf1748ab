import { z } from 'zod'
import { InputError } from '../errors.ts'

/** Lower-case hex of a sha256. */
export const digestSchema: z.ZodString = z.string().regex(/^[0-9a-f]{64}$/)

/** An instant as ISO 8601 in UTC. */
export const instantSchema: z.ZodType<string> = z.iso.datetime()

/** A short text: a name, a key, a trace header. */
export const nameSchema: z.ZodString = z.string().min(1).max(200)

/** A counter, an offset or a number of bytes. */
export const countSchema: z.ZodType<number> = z.int().min(0)

/** How a kind of JSON record is read. */
export interface RecordKind<T> {
  /** What it is called in messages. */
  readonly what: string
  readonly schema: z.ZodType<T>
  readonly maxBytes: number
}

/**
 * Reads a JSON record.
 *
 * @throws {@link InputError} if it is too large, not JSON, or not as the schema wants it.
 */
export function readJsonRecord<T>(kind: RecordKind<T>, value: Uint8Array): T {
  expectSize(kind, value.length)
  const parsed = kind.schema.safeParse(parse(kind, value))
  if (parsed.success) return parsed.data
  throw new InputError(`${kind.what}: ${describe(parsed.error)}`, { cause: parsed.error })
}

/**
 * Writes a JSON record that {@link readJsonRecord} takes.
 *
 * @throws {@link InputError} as the reader would.
 */
export function writeJsonRecord<T>(kind: RecordKind<T>, record: T): Uint8Array {
  const parsed = kind.schema.safeParse(record)
  if (!parsed.success) {
    throw new InputError(`${kind.what}: ${describe(parsed.error)}`, { cause: parsed.error })
  }
  const value = new TextEncoder().encode(JSON.stringify(parsed.data))
  expectSize(kind, value.length)
  return value
}

function expectSize({ what, maxBytes }: RecordKind<unknown>, bytes: number): void {
  if (bytes <= maxBytes) return
  throw new InputError(`${what}: expected at most ${maxBytes} bytes, got ${bytes}`)
}

function parse({ what }: RecordKind<unknown>, value: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(value))
  } catch (cause) {
    throw new InputError(`${what}: expected JSON in UTF-8, got ${(cause as Error).message}`, {
      cause,
    })
  }
}

/** Where and why, without the value: it may be anything and of any length. */
function describe(error: z.ZodError): string {
  return error.issues.map((one) => `${one.path.join('.') || 'record'}: ${one.message}`).join('; ')
}
