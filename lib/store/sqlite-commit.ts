import type { DatabaseSync } from 'node:sqlite'

/** Bounds of one transaction: memory of the write-ahead log, time that others wait. */
export const commitLimits: Cost = { records: 1_000, bytes: 8 * 1024 * 1024 }

/** What one piece of work adds to a transaction. */
export interface Cost {
  readonly records: number
  /** Bytes of the values written. */
  readonly bytes: number
}

/** Runs work in the next common transaction; resolves with its result once that is durable. */
export type GroupCommit = <T>(work: () => T, cost?: Cost) => Promise<T>

interface Unit extends Cost {
  readonly run: () => void
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/**
 * Runs work in one write transaction.
 *
 * It is immediate: a deferred one that upgrades after another's commit fails at once as busy.
 *
 * @param work - Synchronous; may run statements, must not begin a transaction of its own.
 * @returns What `work` returned, durable.
 * @throws The error of SQLite or of `work`, after everything is rolled back.
 */
export function transact<T>(db: DatabaseSync, work: () => T): T {
  db.exec('BEGIN IMMEDIATE')
  try {
    const result = work()
    db.exec('COMMIT')
    return result
  } catch (error) {
    rollBack(db)
    throw error
  }
}

/** Leaves a failed transaction; when the disk is full, SQLite has done so by itself. */
function rollBack(db: DatabaseSync): void {
  try {
    if (db.isTransaction) db.exec('ROLLBACK')
  } catch {
    // The first error says more, and the file forgets what was not committed.
  }
}

/**
 * Group commit: what one tick of the event loop hands over becomes one transaction, within
 * {@link commitLimits}; the rest follows in the next ticks, in order.
 *
 * If any work of a transaction throws, all of it is rolled back and each promise rejects with
 * that error, so work throws only for what nobody expects.
 */
export function groupCommit(db: DatabaseSync): GroupCommit {
  const waiting: Unit[] = []

  function commitNext(): void {
    const units = takeWithin(waiting, commitLimits)
    try {
      transact(db, () => {
        for (const unit of units) unit.run()
      })
      for (const unit of units) unit.resolve()
    } catch (error) {
      for (const unit of units) unit.reject(error)
    }
    if (waiting.length > 0) setImmediate(commitNext)
  }

  return <T>(work: () => T, cost: Cost = { records: 1, bytes: 0 }) =>
    new Promise<T>((resolve, reject) => {
      let result: T
      const run = () => {
        result = work()
      }
      waiting.push({ ...cost, run, resolve: () => resolve(result), reject })
      if (waiting.length === 1) setImmediate(commitNext)
    })
}

/** Takes units off the front until the next one would exceed the limits; at least one. */
function takeWithin(waiting: Unit[], limits: Cost): Unit[] {
  let records = 0
  let bytes = 0
  const end = waiting.findIndex((unit, i) => {
    records += unit.records
    bytes += unit.bytes
    return i > 0 && (records > limits.records || bytes > limits.bytes)
  })
  return waiting.splice(0, end === -1 ? waiting.length : end)
}
