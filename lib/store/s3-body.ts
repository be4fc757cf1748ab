import type { Readable } from 'node:stream'
import { expectSize } from './blob-limits.ts'

/**
 * All bytes of an answer.
 *
 * @param where - The call and its subject.
 * @param length - Bytes that it announced.
 * @throws {@link InputError} if these are more than `maxBytes`; whatever broke the connection; an
 * error if there are fewer than announced.
 */
export async function wholeBody(
  where: string,
  body: Readable,
  length: number,
  maxBytes: number,
): Promise<Uint8Array> {
  try {
    expectSize(where, length, maxBytes)
    const bytes = new Uint8Array(length)
    let filled = 0
    for await (const chunk of body) {
      bytes.set(chunk as Uint8Array, filled)
      filled += (chunk as Uint8Array).length
    }
    if (filled === length) return bytes
    throw new Error(`${filled} of ${length} bytes`)
  } finally {
    body.destroy()
  }
}
