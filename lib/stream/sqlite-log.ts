import type { DatabaseSync } from 'node:sqlite'
import { streamError } from './sqlite-errors.ts'
import type { Partition } from './types.ts'

/** A partition, and up to where its records are done with. */
export interface Floor {
  /** Id of the partition in the database. */
  readonly part: number
  readonly topic: string
  /** First offset that must stay. */
  readonly floor: number
}

/** Who still needs records. */
export interface Needs {
  /** Next offset by partition, from the checkpoint. A partition that is absent has no reader. */
  readonly applied: ReadonlyMap<Partition, number>
  /** Groups count that reported progress since, ms since 1970. */
  readonly reportedSince: number
}

/**
 * Bytes of keys and values in all topics together.
 *
 * @throws {@link StreamError} with the name of the fault as reason.
 */
export function logBytes(db: DatabaseSync): number {
  return reading(() => {
    const row = db.prepare('SELECT COALESCE(SUM(bytes), 0) AS sum FROM part').get()
    return Number(row?.['sum'])
  })
}

/** The partitions of topics with the policy `delete`: what a checkpoint or a group needs stays. */
export function floors(db: DatabaseSync, { applied, reportedSince }: Needs): readonly Floor[] {
  const rows = db
    .prepare(
      `SELECT part.id, part.topic, part.topic || '/' || part.n AS name, part.next,
         (SELECT MIN(position.next) FROM position WHERE position.part = part.id AND position.at >= ?)
           AS reported
       FROM part JOIN topic ON topic.name = part.topic WHERE policy = 'delete'`,
    )
    .all(reportedSince)
  return rows.map((row) => {
    const next = Number(row['next'])
    const reported = row['reported'] === null ? next : Number(row['reported'])
    const floor = Math.min(reported, applied.get(row['name'] as Partition) ?? next)
    return { part: Number(row['id']), topic: String(row['topic']), floor }
  })
}

/**
 * When the oldest record of a topic was stored that somebody needs, ms since 1970.
 *
 * @throws {@link StreamError} with the name of the fault as reason.
 */
export function waitingSince(db: DatabaseSync, topic: string, needs: Needs): number | undefined {
  return reading(() => {
    const parts = floors(db, needs).filter((one) => one.topic === topic)
    const times = parts.flatMap(({ part, floor }) => firstRecord(db, part, floor)?.at ?? [])
    return times.length === 0 ? undefined : Math.min(...times)
  })
}

/** The first record of a partition from an offset on, and when it was stored, ms since 1970. */
export function firstRecord(
  db: DatabaseSync,
  part: number,
  from: number,
): { readonly off: number; readonly at: number } | undefined {
  const row = db
    .prepare('SELECT off, at FROM record WHERE part = ? AND off >= ? ORDER BY off LIMIT 1')
    .get(part, from)
  return row && { off: Number(row['off']), at: Number(row['at']) }
}

function reading<T>(work: () => T): T {
  try {
    return work()
  } catch (cause) {
    throw streamError('log', cause)
  }
}
