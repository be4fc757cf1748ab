import type { DatabaseSync } from 'node:sqlite'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { transact } from '../store/sqlite-commit.ts'
import { streamError } from './sqlite-errors.ts'
import { firstRecord, floors, logBytes } from './sqlite-log.ts'
import type { Partition } from './types.ts'

/** What the log keeps. */
export interface Retention {
  /** Records younger than this stay, in hours, unless the bytes are exceeded. */
  readonly hours: number
  /** Other hours of single topics, by name. */
  readonly topicHours?: Readonly<Record<string, number>>
  /** Bytes of keys and values in all topics together. */
  readonly bytes: number
}

/** What may go, and when it is. */
export interface RetentionLimits {
  readonly retention: Retention
  /** Next offset by partition, from the checkpoint. A partition that is absent has no reader. */
  readonly applied: ReadonlyMap<Partition, number>
  /** Wall clock, ms since 1970. */
  readonly now: number
}

/** What a pass has dropped, and what is left after it. */
export interface Retained {
  readonly removed: number
  /** Bytes of keys and values of what was removed. */
  readonly freed: number
  readonly bytes: number
  /** Still above the limit, with nothing that may go: take in no more. */
  readonly isOver: boolean
}

/** Records that go in one transaction, and pages that are given back to the disk. */
const perStep = 1_000
const hourMs = 3_600_000

/** The first records of a partition: up to an offset, which is the last that goes. */
interface Front {
  readonly part: number
  readonly last: number
  readonly count: number
  readonly bytes: number
}

/** What a plan has passed by without dropping it: by partition, the offset that it is at. */
interface Passed {
  readonly low: Map<number, number>
  bytes: number
}
const none: Passed = { low: new Map(), bytes: 0 }

/**
 * Drops the oldest records of the topics with the policy `delete`, in small transactions.
 *
 * Never drops one that a checkpoint has not applied, nor one that a group still has before it
 * that reported progress within `hours`.
 *
 * @param assertMay - Asked before each transaction; what it throws ends the pass.
 * @throws {@link StreamError} with the name of the fault as reason.
 */
export async function retain(
  db: DatabaseSync,
  limits: RetentionLimits,
  assertMay: () => void = () => undefined,
): Promise<Retained> {
  const gone = await untilNone(() => {
    assertMay()
    return translated(() => {
      const dropped = transact(db, () => {
        const front = nextFront(db, limits, none)
        if (front !== undefined) drop(db, front)
        return front
      })
      if (dropped !== undefined) db.exec(`PRAGMA incremental_vacuum(${perStep})`)
      return dropped
    })
  })
  return left(gone, logBytes(db), limits)
}

/**
 * What {@link retain} would drop now, and what would be left. Nothing is changed.
 *
 * @throws {@link StreamError} with the name of the fault as reason.
 */
export async function planRetention(db: DatabaseSync, limits: RetentionLimits): Promise<Retained> {
  const passed: Passed = { low: new Map(), bytes: 0 }
  const gone = await untilNone(() => {
    const front = translated(() => nextFront(db, limits, passed))
    if (front === undefined) return undefined
    passed.low.set(front.part, front.last + 1)
    passed.bytes += front.bytes
    return front
  })
  return left(gone, logBytes(db) - gone.freed, limits)
}

type Gone = Pick<Retained, 'removed' | 'freed'>

const left = (gone: Gone, bytes: number, { retention }: RetentionLimits): Retained => ({
  ...gone,
  bytes,
  isOver: bytes > retention.bytes,
})

/** Adds up fronts until there is none, with turns for others in between. */
async function untilNone(next: () => Front | undefined): Promise<Gone> {
  const gone = { removed: 0, freed: 0 }
  for (let front = next(); front !== undefined; front = next()) {
    gone.removed += front.count
    gone.freed += front.bytes
    await nextTurn()
  }
  return gone
}

function translated<T>(work: () => T): T {
  try {
    return work()
  } catch (cause) {
    throw streamError('retention', cause)
  }
}

/** The front of the partition whose first record may go and is the oldest. */
function nextFront(
  db: DatabaseSync,
  { retention, applied, now }: RetentionLimits,
  passed: Passed,
): Front | undefined {
  const excess = logBytes(db) - passed.bytes - retention.bytes
  const reportedSince = now - retention.hours * hourMs
  const fronts = floors(db, { applied, reportedSince }).flatMap(({ part, topic, floor }) => {
    const notBefore = now - (retention.topicHours?.[topic] ?? retention.hours) * hourMs
    const first = firstRecord(db, part, passed.low.get(part) ?? 0)
    const mayGo = first && first.off < floor && (first.at < notBefore || excess > 0)
    return mayGo ? [{ part, floor, notBefore, ...first }] : []
  })
  const [oldest] = fronts.sort((a, b) => a.at - b.at)
  return oldest && frontOf(db, oldest, excess)
}

/** Up to a thousand records from the first on, as long as they are too old or too many. */
function frontOf(
  db: DatabaseSync,
  from: {
    readonly part: number
    readonly off: number
    /** First offset that must stay. */
    readonly floor: number
    readonly notBefore: number
  },
  excess: number,
): Front {
  const rows = db
    .prepare(
      `SELECT off, at, length(value) + COALESCE(length(key), 0) AS bytes FROM record
       WHERE part = ? AND off >= ? AND off < ? ORDER BY off LIMIT ${perStep}`,
    )
    .all(from.part, from.off, from.floor)
  let bytes = 0
  const end = rows.findIndex((row) => {
    const stays = Number(row['at']) >= from.notBefore && bytes >= excess
    bytes += stays ? 0 : Number(row['bytes'])
    return stays
  })
  const count = end === -1 ? rows.length : end
  return { part: from.part, last: Number(rows[count - 1]?.['off']), count, bytes }
}

function drop(db: DatabaseSync, { part, last, bytes }: Front): void {
  db.prepare('DELETE FROM record WHERE part = ? AND off <= ?').run(part, last)
  db.prepare('UPDATE part SET low = ?, bytes = bytes - ? WHERE id = ?').run(last + 1, bytes, part)
}
