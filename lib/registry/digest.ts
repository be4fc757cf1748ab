import { createHash } from 'node:crypto'
import type { Digest } from '../store/types.ts'

/** sha256 of the bytes, 64 lower-case hex characters. */
export function digestOf(bytes: Uint8Array): Digest {
  return createHash('sha256').update(bytes).digest('hex')
}
