import type { DatabaseSync } from 'node:sqlite'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { transact } from '../store/sqlite-commit.ts'
import { streamError } from './sqlite-errors.ts'

/** A record of the log, as a rewriting sees it. */
export interface StoredRecord {
  readonly key: Uint8Array | undefined
  readonly value: Uint8Array
}

/** Which records are looked at, and what becomes of them. */
export interface RewriteOptions {
  /** Keys, as text. Default: whatever the key. */
  readonly keys?: ReadonlySet<string>
  /** Records whose value begins with this byte are passed over. Default: none are. */
  readonly exceptFirstByte?: number
  /** What shall stand in its place; `undefined` leaves it as it is. */
  readonly change: (record: StoredRecord) => Uint8Array | undefined
  /** Asked before each transaction; what it throws ends the work. */
  readonly assertMay?: () => void
}

/** Records that are read at a time: each may be a picture. */
const atOnce = 16

/**
 * Puts other values in the place of records of the log, which keep their offsets: whoever reads
 * or counts them finds as many as before. What stood there is overwritten on the disk.
 *
 * @returns How many were changed.
 * @throws {@link StreamError} with the name of the fault as reason.
 */
export async function rewriteRecords(
  db: DatabaseSync,
  topic: string,
  options: RewriteOptions,
): Promise<number> {
  const { change, assertMay = () => undefined } = options
  let changed = 0
  for (const part of partsOf(db, topic)) {
    for (let after = -1; ; ) {
      const found = translated(() => nextRecords(db, part, after, options))
      const last = found.at(-1)
      if (last === undefined) break
      after = last.off
      const due = found.flatMap(({ off, ...record }) => {
        const value = change(record)
        return value === undefined ? [] : [{ off, value, bytes: record.value.length }]
      })
      if (due.length > 0) {
        assertMay()
        translated(() => replace(db, part, due))
        changed += due.length
      }
      await nextTurn()
    }
  }
  return changed
}

function partsOf(db: DatabaseSync, topic: string): number[] {
  return translated(() => {
    const rows = db.prepare('SELECT id FROM part WHERE topic = ? ORDER BY n').all(topic)
    return rows.map((row) => Number(row['id']))
  })
}

function nextRecords(
  db: DatabaseSync,
  part: number,
  after: number,
  { keys, exceptFirstByte }: RewriteOptions,
): (StoredRecord & { readonly off: number })[] {
  const isWanted = [
    ...(keys === undefined ? [] : ['CAST(key AS TEXT) IN (SELECT value FROM json_each(?))']),
    ...(exceptFirstByte === undefined ? [] : ['substr(value, 1, 1) <> ?']),
  ]
  const where = isWanted.map((one) => ` AND ${one}`).join('')
  const rows = db
    .prepare(
      `SELECT off, key, value FROM record WHERE part = ? AND off > ?${where} ORDER BY off LIMIT ${atOnce}`,
    )
    .all(
      ...[part, after],
      ...(keys === undefined ? [] : [JSON.stringify([...keys])]),
      ...(exceptFirstByte === undefined ? [] : [Uint8Array.of(exceptFirstByte)]),
    )
  return rows.map((row) => ({
    off: Number(row['off']),
    key: (row['key'] as Uint8Array | null) ?? undefined,
    value: row['value'] as Uint8Array,
  }))
}

interface Due {
  readonly off: number
  readonly value: Uint8Array
  /** Of the value before. */
  readonly bytes: number
}

function replace(db: DatabaseSync, part: number, due: readonly Due[]): void {
  db.exec('PRAGMA secure_delete = ON')
  try {
    transact(db, () => {
      for (const { off, value, bytes } of due) {
        db.prepare('UPDATE record SET value = ? WHERE part = ? AND off = ?').run(value, part, off)
        const grown = value.length - bytes
        db.prepare('UPDATE part SET bytes = bytes + ? WHERE id = ?').run(grown, part)
      }
    })
  } finally {
    db.exec('PRAGMA secure_delete = OFF')
  }
}

function translated<T>(work: () => T): T {
  try {
    return work()
  } catch (cause) {
    throw streamError('rewrite', cause)
  }
}
