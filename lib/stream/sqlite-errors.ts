import { StreamError } from '../errors.ts'
import { sqliteFault } from '../store/sqlite-faults.ts'

/**
 * Translates an error of SQLite for those who use the stream.
 *
 * @param where - What was going on, the beginning of the message.
 * @param cause - What SQLite threw; a {@link StreamError} is handed back as it is.
 * @returns With the name of the fault as reason.
 */
export function streamError(where: string, cause: unknown): StreamError {
  if (cause instanceof StreamError) return cause
  const reason = sqliteFault(cause)
  const detail = cause instanceof Error ? cause.message : String(cause)
  return new StreamError(`${where}: expected the database to answer, got: ${detail}`, {
    reason,
    retryable: reason === 'busy' || reason === 'disk-full',
    cause,
  })
}

/**
 * Whether only a restart can tell what the file holds: a failed fsync may have lost pages, a
 * damaged file answers wrongly, a counter has left the safe integers.
 */
export function isFinal(error: StreamError): boolean {
  return ['io', 'damaged', 'other', 'unsafe-integer'].includes(error.reason ?? '')
}
