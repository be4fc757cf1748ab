import { z } from 'zod'
import type { PipelineError, PipelineErrorOptions } from '../errors.ts'
import type { DocumentStore, JsonObject, Tag, Write } from '../store/types.ts'

/** What one sort of document looks like and how its faults are called. */
export interface DocumentKind<T> {
  /** The newest format that this program writes, and reads. */
  readonly format: number
  readonly schema: z.ZodType<T>
  readonly error: new (message: string, options?: PipelineErrorOptions) => PipelineError
}

/** sha256 as documents write it. */
export const digestSchema: z.ZodType<string> = z.string().regex(/^[0-9a-f]{64}$/)
/** A counter: an integer from 0 to 2^53 − 1. */
export const countSchema: z.ZodType<number> = z.int().min(0)
/** Any JSON object. */
export const jsonObjectSchema: z.ZodType<JsonObject> = z.record(z.string(), z.json())

/**
 * The document's content, checked.
 *
 * @param where - Key or file name, for messages.
 * @param value - What the store gave.
 * @throws the kind's error if the format is newer than this program, or the content is malformed.
 */
export function readDocument<T>(where: string, value: unknown, kind: DocumentKind<T>): T {
  const { format } = (value ?? {}) as { readonly format?: unknown }
  if (typeof format === 'number' && format > kind.format) {
    const message = `${where}: expected format ${kind.format} or older, got ${format}`
    throw new kind.error(message, { reason: 'newer-format' })
  }
  const parsed = kind.schema.safeParse(value)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  const path = issue?.path.join('.') || 'the document'
  throw new kind.error(`${where}: ${path}: ${issue?.message ?? 'malformed'}`, {
    reason: 'malformed',
    cause: parsed.error,
  })
}

/** A counter in a key: 20 digits, so that keys sort by number. */
export function keyNumber(n: number): string {
  return String(n).padStart(20, '0')
}

/** All keys under a prefix, however many pages they are. */
export async function listAll(documents: DocumentStore, prefix: string): Promise<string[]> {
  const limit = 1000
  const keys: string[] = []
  for (;;) {
    const after = keys.at(-1)
    const page = await documents.list(prefix, after === undefined ? { limit } : { after, limit })
    keys.push(...page)
    if (page.length < limit) return keys
  }
}

/** Reads without a tag to compare with: found, or absent. */
export async function readFound(
  documents: DocumentStore,
  key: string,
): Promise<{ readonly value: JsonObject; readonly tag: string } | undefined> {
  const found = await documents.read(key)
  return found === 'unchanged' ? undefined : found
}

/**
 * Writes what takes the place of what was found, or of nothing.
 *
 * @param found - What the writer knows to be there; absent: nothing.
 * @returns As `swap` and `create`: a loser gets what is there now.
 */
export function writeOver(
  documents: DocumentStore,
  key: string,
  value: JsonObject,
  found: { readonly tag: Tag } | undefined,
): Promise<Write> {
  return found === undefined ? documents.create(key, value) : documents.swap(key, value, found.tag)
}
