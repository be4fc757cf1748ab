import type { DatabaseSync } from 'node:sqlite'
import { streamError } from './sqlite-errors.ts'
import type { Partition } from './types.ts'

/** A record's place and the time it was stored, ms since 1970. */
interface Place {
  readonly off: number
  readonly at: number
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

/**
 * When the oldest record of a topic was stored that is not applied yet, ms since 1970.
 *
 * @param applied - Next offset by partition; in one that is absent nothing is applied.
 * @throws {@link StreamError} with the name of the fault as reason.
 */
export function waitingSince(
  db: DatabaseSync,
  topic: string,
  applied: ReadonlyMap<Partition, number>,
): number | undefined {
  return reading(() => {
    const parts = db.prepare('SELECT id, n FROM part WHERE topic = ?').all(topic)
    const times = parts.flatMap(({ id, n }) => {
      const from = applied.get(`${topic}/${Number(n)}`) ?? 0
      return firstRecord(db, Number(id), from)?.at ?? []
    })
    return times.length === 0 ? undefined : Math.min(...times)
  })
}

/** The first record of a partition from an offset on. */
export function firstRecord(db: DatabaseSync, part: number, from: number): Place | undefined {
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
