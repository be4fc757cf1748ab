import type { DatabaseSync } from 'node:sqlite'
import type { StreamError } from '../errors.ts'
import { groupCommit } from '../store/sqlite-commit.ts'
import { leavesNothing, type SqliteFault } from '../store/sqlite-faults.ts'
import { partitionOf } from './murmur2.ts'
import { streamError } from './sqlite-errors.ts'
import type { Part, Topic } from './sqlite-topics.ts'
import type { OutRecord, SendResult } from './types.ts'

/** A record whose partition is settled. */
export interface Placed {
  readonly record: OutRecord
  readonly part: Part
}

/** What became of records that were handed over together. */
export type Appended =
  | { readonly outcome: 'acked'; readonly offsets: readonly number[] }
  | { readonly outcome: 'refused' | 'unknown'; readonly error: StreamError }

/** Stores records of one topic; they are durable once it resolves with `acked`. */
export type Append = (topic: Topic, placed: readonly Placed[], at: number) => Promise<Appended>

/** Bytes that a record counts for, in limits and in `part.bytes`. */
export function recordBytes(record: OutRecord): number {
  return record.value.length + (record.key?.length ?? 0)
}

/**
 * Why a record cannot be stored in a topic whatever the state of the disk, if it cannot.
 *
 * @returns `too-large`, `no-key`, `no-partition` or nothing.
 */
export function refusal(topic: Topic, record: OutRecord): SendResult | undefined {
  const refused = (reason: string): SendResult => ({ outcome: 'refused', reason })
  if (record.value.length > topic.maxBytes) return refused('too-large')
  if (topic.isCompacted && record.key === undefined) return refused('no-key')
  if (record.partition !== undefined && topic.parts[record.partition] === undefined) {
    return refused('no-partition')
  }
  return undefined
}

/**
 * Partition of a record: the explicit one, that of its key, else each in turn.
 *
 * @param turn - A counter of records without key.
 */
export function place(topic: Topic, record: OutRecord, turn: () => number): Placed {
  const { parts } = topic
  const n =
    record.partition ?? (record.key ? partitionOf(record.key, parts.length) : turn() % parts.length)
  return { record, part: parts[n] as Part }
}

/** The write path of an open database: group commit, offsets from `part.next`, compaction. */
export function sqliteAppend(db: DatabaseSync): Append {
  const commit = groupCommit(db)
  // RETURNING reads the value as stored: an offset beyond the safe integers throws here.
  const take = db.prepare(
    'UPDATE part SET next = next + 1, bytes = bytes + ? WHERE id = ? RETURNING next',
  )
  const insert = db.prepare(
    'INSERT INTO record (part, off, at, key, value, headers, compact) VALUES (?, ?, ?, ?, ?, ?, ?)',
  )
  // Without the hint the planner takes the primary key and walks the partition.
  const dropOlder = db.prepare(
    `DELETE FROM record INDEXED BY record_key WHERE part = ? AND key = ? AND compact = 1
     RETURNING length(key) + length(value) AS bytes`,
  )

  function store(topic: Topic, { record, part }: Placed, at: number): number {
    const key = record.key ?? null
    const older = topic.isCompacted ? dropOlder.all(part.id, key) : []
    const dropped = older.reduce((sum, row) => sum + Number(row['bytes']), 0)
    const offset = Number(take.get(recordBytes(record) - dropped, part.id)?.['next']) - 1
    const headers = record.headers ? JSON.stringify(record.headers) : null
    const compact = topic.isCompacted ? 1 : 0
    insert.run(part.id, offset, at, key, record.value, headers, compact)
    return offset
  }

  return async (topic, placed, at) => {
    const bytes = placed.reduce((sum, { record }) => sum + recordBytes(record), 0)
    try {
      const offsets = await commit(() => placed.map((one) => store(topic, one, at)), {
        records: placed.length,
        bytes,
      })
      return { outcome: 'acked', offsets }
    } catch (cause) {
      const error = streamError(`send to ${topic.name}`, cause)
      const isStoredNowhere = leavesNothing(error.reason as SqliteFault)
      return { outcome: isStoredNowhere ? 'refused' : 'unknown', error }
    }
  }
}
