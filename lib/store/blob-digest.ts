import { createHash, hash } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { InputError } from '../errors.ts'
import type { Digest } from './types.ts'

/** Bytes hashed in one go, about 2 ms: the event loop has its turn in between. */
const sliceBytes = 1024 * 1024

/** sha256 of bytes in lower-case hex. */
export async function sha256(bytes: Uint8Array): Promise<Digest> {
  if (bytes.length <= sliceBytes) return hash('sha256', bytes, 'hex')
  const digest = createHash('sha256')
  for (let start = 0; start < bytes.length; start += sliceBytes) {
    digest.update(bytes.subarray(start, start + sliceBytes))
    await nextTurn()
  }
  return digest.digest('hex')
}

/** Whether a name is that of a blob. */
export function isDigest(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text)
}

/** Keeps anything but a digest out of a path. */
export function expectDigest(digest: Digest): Digest {
  if (isDigest(digest)) return digest
  const got = JSON.stringify(digest)
  throw new InputError(`blob: expected a digest of 64 lower-case hex characters, got ${got}`)
}
