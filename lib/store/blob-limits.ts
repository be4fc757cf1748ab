import { InputError } from '../errors.ts'

/** Largest blob. */
export const maxBlobBytes: number = 1024 ** 3

/** A `put` or `keep` of a blob older than this renews its age. */
export const renewAfterMs: number = 12 * 3_600_000

/** Refuses more bytes than the caller, or any adapter, would take. */
export function expectSize(where: string, bytes: number, maxBytes: number): void {
  if (bytes <= maxBytes) return
  throw new InputError(`${where}: expected at most ${maxBytes} bytes, got ${bytes}`)
}
