import { StoreError } from '../errors.ts'

/** What went wrong inside SQLite, as far as a caller acts on it. */
export type SqliteFault =
  | 'busy'
  | 'read-only'
  | 'io'
  | 'damaged'
  | 'disk-full'
  | 'closed'
  | 'unsafe-integer'
  | 'other'

/** Result codes of SQLite, by the low byte of the extended code. */
const faultByCode: Readonly<Record<number, SqliteFault>> = {
  5: 'busy', // SQLITE_BUSY
  6: 'busy', // SQLITE_LOCKED
  8: 'read-only', // SQLITE_READONLY
  10: 'io', // SQLITE_IOERR
  11: 'damaged', // SQLITE_CORRUPT
  13: 'disk-full', // SQLITE_FULL
  14: 'io', // SQLITE_CANTOPEN
  26: 'damaged', // SQLITE_NOTADB
}

/** Faults after which nothing of the transaction is stored, for certain. */
const harmless: ReadonlySet<SqliteFault> = new Set([
  'busy',
  'read-only',
  'disk-full',
  'closed',
  'unsafe-integer',
])

/**
 * Names the fault behind an error of `node:sqlite`.
 *
 * @param error - Whatever a call on a database or statement threw.
 * @returns One word; `other` for what no rule covers, a mistake in our own SQL for example.
 */
export function sqliteFault(error: unknown): SqliteFault {
  const { code, errcode } = (error ?? {}) as { code?: unknown; errcode?: unknown }
  if (typeof errcode === 'number') return faultByCode[errcode & 255] ?? 'other'
  if (code === 'ERR_INVALID_STATE') return 'closed'
  if (code === 'ERR_OUT_OF_RANGE') return 'unsafe-integer'
  return 'other'
}

/**
 * Whether a transaction that failed this way left nothing behind.
 *
 * After any other fault only a look at the file tells: the outcome is unknown.
 */
export function leavesNothing(fault: SqliteFault): boolean {
  return harmless.has(fault)
}

/**
 * Translates an error of SQLite for the callers of a store.
 *
 * @param where - The call and its subject, the beginning of the message.
 * @param cause - What SQLite threw.
 * @returns With reason `unknown`, retryable, where the write may have happened: read, then decide.
 */
export function storeError(where: string, cause: unknown): StoreError {
  const fault = sqliteFault(cause)
  const detail = cause instanceof Error ? cause.message : String(cause)
  if (fault === 'damaged' || fault === 'other') {
    return new StoreError(`${where}: expected a sound database, got: ${detail}`, {
      reason: fault,
      cause,
    })
  }
  const reason = leavesNothing(fault) ? fault : 'unknown'
  const retryable = reason === 'unknown' || reason === 'busy' || reason === 'disk-full'
  return new StoreError(`${where}: expected the database to answer, got: ${detail}`, {
    reason,
    retryable,
    cause,
  })
}
