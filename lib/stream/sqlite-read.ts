import type { DatabaseSync } from 'node:sqlite'
import { StreamError } from '../errors.ts'
import type { Part, Topics } from './sqlite-topics.ts'
import type { Batch, InRecord, StartAt } from './types.ts'

/** Records of one batch at most. */
const maxBatchRecords = 1_000

/**
 * Records of a partition from an offset on; nothing if there are none yet.
 *
 * At least one record however large it is, else values up to `maxBytes` together.
 *
 * @throws {@link StreamError} with reason `offset-gone` if records from there on were dropped.
 */
export type Read = (part: Part, from: number, maxBytes: number) => Batch | undefined

/** The read path of an open database. */
export function sqliteRead(db: DatabaseSync, topics: Topics): Read {
  const select = db.prepare(
    `SELECT off, at, key, value, headers FROM record WHERE part = ? AND off >= ?
     ORDER BY off LIMIT ${maxBatchRecords}`,
  )
  return (part, from, maxBytes) => {
    const records: InRecord[] = []
    let bytes = 0
    // Ends before anybody else runs: an open result set would keep the log from shrinking.
    for (const row of select.iterate(part.id, from)) {
      const record = toRecord(row as unknown as Row)
      bytes += record.value.length
      if (records.length > 0 && bytes > maxBytes) break
      records.push(record)
    }
    // Looked at afterwards: the low mark only rises, so what it allows now was whole before.
    const { low, high } = topics.marks(part)
    if (from < low) throw gone(part, from, low)
    return records.length === 0 ? undefined : { partition: part.name, records, high }
  }
}

/**
 * Offset at which delivery starts.
 *
 * @param answer - What the consumer wants; `committed` without a commit is `earliest`.
 * @param committed - Position of the group, if it has one.
 * @throws {@link StreamError} with reason `offset-gone` below the low mark, `offset-ahead` above
 *   the high mark: it never jumps silently; `no-start` without an answer.
 */
export function startOffset(
  topics: Topics,
  part: Part,
  answer: StartAt | undefined,
  committed: number | undefined,
): number {
  if (answer === undefined) {
    const message = `onAssign: expected a start for ${part.name}, got none`
    throw new StreamError(message, { reason: 'no-start' })
  }
  const { low, high } = topics.marks(part)
  if (answer === 'earliest') return low
  if (answer === 'latest') return high
  const wanted = answer === 'committed' ? (committed ?? low) : checkedOffset(part.name, answer)
  if (wanted < low) throw gone(part, wanted, low)
  if (wanted <= high) return wanted
  const message = `${part.name}: expected an offset up to ${high}, the high mark, got ${wanted}`
  throw new StreamError(message, { reason: 'offset-ahead' })
}

/** @throws {@link StreamError} with reason `offset-unsafe` for what is no safe integer. */
export function checkedOffset(partition: string, offset: number): number {
  if (Number.isSafeInteger(offset)) return offset
  throw new StreamError(`${partition}: expected an offset that is a safe integer, got ${offset}`, {
    reason: 'offset-unsafe',
  })
}

function gone(part: Part, from: number, low: number): StreamError {
  const message = `${part.name}: expected records from offset ${from} on, got a low mark of ${low}`
  return new StreamError(`${message}; ${low - from} offsets are gone`, { reason: 'offset-gone' })
}

interface Row {
  readonly off: number
  readonly at: number
  readonly key: Uint8Array | null
  readonly value: Uint8Array
  readonly headers: string | null
}

function toRecord(row: Row): InRecord {
  return {
    offset: row.off,
    timestamp: row.at,
    key: row.key ?? undefined,
    value: row.value,
    headers: row.headers === null ? {} : (JSON.parse(row.headers) as Record<string, string>),
  }
}
