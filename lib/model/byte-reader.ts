import { ArtifactError } from '../errors.ts'

/** Reads little-endian numbers and text one after the other; never outside the buffer. */
export interface ByteReader {
  /** Offset of the next byte. */
  readonly at: () => number
  readonly uint8: () => number
  readonly uint16: () => number
  readonly int32: () => number
  readonly uint32: () => number
  /** Big-endian, as pickles have it. */
  readonly float64: () => number
  /** Signed integer of so many bytes. */
  readonly long: (bytes: number) => bigint
  /** UTF-8 text of so many bytes. */
  readonly text: (bytes: number) => string
  /** Text up to the next line feed, 200 bytes at most. */
  readonly line: () => string
  /** What to throw when something else was expected here. */
  readonly refusal: (expected: string, got: string) => ArtifactError
}

const maxLine = 200

/** Reads `bytes` from `start` on; every method throws {@link ArtifactError} at the end. */
export function byteReader(where: string, bytes: Uint8Array, start: number): ByteReader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = start
  const refusal = (expected: string, got: string) =>
    new ArtifactError(`${where}: expected ${expected} at byte ${at}, got ${got}`)
  const take = (count: number): number => {
    if (count > bytes.length - at) throw refusal(`${count} more bytes`, 'the end')
    at += count
    return at - count
  }
  const text = (count: number): string => {
    const from = take(count)
    try {
      return new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(from, at))
    } catch (cause) {
      throw new ArtifactError(refusal('UTF-8 text', 'other bytes').message, { cause })
    }
  }
  return {
    at: () => at,
    uint8: () => view.getUint8(take(1)),
    uint16: () => view.getUint16(take(2), true),
    int32: () => view.getInt32(take(4), true),
    uint32: () => view.getUint32(take(4), true),
    float64: () => view.getFloat64(take(8)),
    long: (count) => {
      const from = take(count)
      const digits = bytes.subarray(from, at).toReversed()
      const value = [...digits].reduce((sum, digit) => (sum << 8n) | BigInt(digit), 0n)
      return BigInt.asIntN(8 * count, value)
    },
    text,
    line: () => {
      const length = bytes.subarray(at, at + maxLine).indexOf(0x0a)
      if (length < 0) throw refusal(`a line of ${maxLine} bytes at most`, 'a longer one')
      const line = text(length)
      take(1)
      return line
    },
    refusal,
  }
}
