import type { DatabaseSync } from 'node:sqlite'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { transact } from '../store/sqlite-commit.ts'
import { streamError } from './sqlite-errors.ts'
import type { Partition } from './types.ts'

/** What the log keeps. */
export interface Retention {
  /** Records younger than this stay, in hours, unless the bytes are exceeded. */
  readonly hours: number
  /** Bytes of keys and values in all topics together. */
  readonly bytes: number
}

/** What is left after a pass. */
export interface Retained {
  readonly removed: number
  readonly bytes: number
  /** Still above the limit, with nothing that may go: take in no more. */
  readonly isOver: boolean
}

/** Records that go in one transaction, and pages that are given back to the disk. */
const perStep = 1_000

interface Candidate {
  readonly id: number
  /** First offset that must stay. */
  readonly floor: number
  /** When the oldest record was stored, ms since 1970. */
  readonly at: number
}

/**
 * Drops the oldest records of the topics with the policy `delete`, in small transactions.
 *
 * Never drops one that a checkpoint has not applied, nor one that a group still has before it
 * that reported progress within `hours`.
 *
 * @param applied - Next offset by partition, from the checkpoint.
 * @param now - Wall clock, ms since 1970.
 * @throws {@link StreamError} with the name of the fault as reason.
 */
export async function retain(
  db: DatabaseSync,
  retention: Retention,
  applied: ReadonlyMap<Partition, number>,
  now: number,
): Promise<Retained> {
  const notBefore = now - retention.hours * 3_600_000
  let removed = 0
  try {
    for (;;) {
      const excess = totalBytes(db) - retention.bytes
      const isDue = (one: Candidate) => one.at < notBefore || excess > 0
      const oldest = candidates(db, applied, notBefore).find(isDue)
      if (oldest === undefined) return { removed, bytes: totalBytes(db), isOver: excess > 0 }
      removed += transact(db, () => dropOldest(db, oldest, notBefore, excess))
      db.exec(`PRAGMA incremental_vacuum(${perStep})`)
      await nextTurn()
    }
  } catch (cause) {
    throw streamError('retention', cause)
  }
}

function totalBytes(db: DatabaseSync): number {
  return Number(db.prepare('SELECT COALESCE(SUM(bytes), 0) AS sum FROM part').get()?.['sum'])
}

/** Partitions with a record that may go, the oldest record first. */
function candidates(
  db: DatabaseSync,
  applied: ReadonlyMap<Partition, number>,
  notBefore: number,
): Candidate[] {
  const rows = db
    .prepare(
      `SELECT part.id, part.topic || '/' || part.n AS name, part.next, off, at,
         (SELECT MIN(position.next) FROM position WHERE position.part = part.id AND position.at >= ?)
           AS reported
       FROM part JOIN topic ON topic.name = part.topic
       JOIN record ON record.part = part.id
         AND off = (SELECT MIN(off) FROM record WHERE record.part = part.id)
       WHERE policy = 'delete' ORDER BY at`,
    )
    .all(notBefore)
  return rows.flatMap((row) => {
    const next = Number(row['next'])
    const reported = row['reported'] === null ? next : Number(row['reported'])
    const floor = Math.min(reported, applied.get(row['name'] as Partition) ?? next)
    return Number(row['off']) < floor
      ? [{ id: Number(row['id']), floor, at: Number(row['at']) }]
      : []
  })
}

/** Drops up to a thousand records from the front, as long as they are too old or too many. */
function dropOldest(
  db: DatabaseSync,
  { id, floor }: Candidate,
  notBefore: number,
  excess: number,
): number {
  const rows = db
    .prepare(
      `SELECT off, at, length(value) + COALESCE(length(key), 0) AS bytes FROM record
       WHERE part = ? AND off < ? ORDER BY off LIMIT ${perStep}`,
    )
    .all(id, floor)
  let bytes = 0
  const end = rows.findIndex((row) => {
    const stays = Number(row['at']) >= notBefore && bytes >= excess
    bytes += stays ? 0 : Number(row['bytes'])
    return stays
  })
  const count = end === -1 ? rows.length : end
  const last = Number(rows[count - 1]?.['off'])
  db.prepare('DELETE FROM record WHERE part = ? AND off <= ?').run(id, last)
  db.prepare('UPDATE part SET low = ?, bytes = bytes - ? WHERE id = ?').run(last + 1, bytes, id)
  return count
}
