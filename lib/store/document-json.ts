import { InputError } from '../errors.ts'
import type { JsonObject } from './types.ts'

/** Largest document, as UTF-8 JSON. */
const maxDocumentBytes = 256 * 1024

/**
 * The text of a document, the same limits for every adapter.
 *
 * @throws {@link InputError} for a key that some adapter could not store, anything but a JSON
 * object, or more than 256 KiB.
 */
export function documentJson(key: string, value: JsonObject): string {
  expectKey(key)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new InputError(`document ${key}: expected a JSON object, got ${JSON.stringify(value)}`)
  }
  const json = JSON.stringify(value)
  const bytes = Buffer.byteLength(json)
  if (bytes > maxDocumentBytes) {
    throw new InputError(
      `document ${key}: expected at most ${maxDocumentBytes} bytes, got ${bytes}`,
    )
  }
  return json
}

/**
 * Refuses a key that some adapter could not store, or would store elsewhere.
 *
 * @returns The key.
 */
export function expectKey(key: string): string {
  const fine = /^[a-z0-9._/-]{1,200}$/.test(key) && key.split('/').every((s) => /[^.]/.test(s))
  if (fine) return key
  const rule = '1–200 characters of a–z, 0–9 . _ / - without empty or dot-only segments'
  throw new InputError(`document: expected a key of ${rule}, got ${JSON.stringify(key)}`)
}
