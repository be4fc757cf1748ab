import { StreamError } from '../errors.ts'
import type { Partition, StartAt, Watermark } from './types.ts'

/**
 * Offset at which delivery of a partition starts.
 *
 * @param answer - What the consumer wants; `committed` without a commit is `earliest`.
 * @param committed - Position of the group, if it has one.
 * @throws {@link StreamError} with reason `offset-gone` below the low mark, `offset-ahead` above
 *   the high mark: it never jumps silently; `no-start` without an answer.
 */
export function startOffset(
  { partition, low, high }: Watermark,
  answer: StartAt | undefined,
  committed: number | undefined,
): number {
  if (answer === undefined) {
    const message = `onAssign: expected a start for ${partition}, got none`
    throw new StreamError(message, { reason: 'no-start' })
  }
  if (answer === 'earliest') return low
  if (answer === 'latest') return high
  return within({ partition, low, high }, answer === 'committed' ? (committed ?? low) : answer)
}

/**
 * The offset, if records can be read from there on.
 *
 * @throws {@link StreamError} as {@link startOffset}; with reason `offset-unsafe` for what is no safe
 *   integer.
 */
export function within({ partition, low, high }: Watermark, offset: number): number {
  checkedOffset(partition, offset)
  if (offset < low) {
    const message = `${partition}: expected records from offset ${offset} on, got a low mark of ${low}`
    throw new StreamError(`${message}; ${low - offset} offsets are gone`, { reason: 'offset-gone' })
  }
  if (offset <= high) return offset
  const message = `${partition}: expected an offset up to ${high}, the high mark, got ${offset}`
  throw new StreamError(message, { reason: 'offset-ahead' })
}

/** @throws {@link StreamError} with reason `offset-unsafe` for what is no safe integer. */
export function checkedOffset(partition: Partition, offset: number): number {
  if (Number.isSafeInteger(offset)) return offset
  throw new StreamError(`${partition}: expected an offset that is a safe integer, got ${offset}`, {
    reason: 'offset-unsafe',
  })
}
