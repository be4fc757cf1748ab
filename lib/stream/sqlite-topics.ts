import type { DatabaseSync } from 'node:sqlite'
import { StreamError } from '../errors.ts'
import { transact } from '../store/sqlite-commit.ts'
import type { Partition, TopicSpec, Watermark } from './types.ts'

/** One partition as the database knows it. */
export interface Part {
  /** Primary key of the row. */
  readonly id: number
  readonly name: Partition
}

/** A topic and its partitions, in order of their numbers. */
export interface Topic {
  readonly name: string
  readonly isCompacted: boolean
  /** Largest value of a record, in bytes. */
  readonly maxBytes: number
  readonly parts: readonly Part[]
}

/** The tables `topic` and `part`. Each call reads the file: other processes write it too. */
export interface Topics {
  ensure(specs: readonly TopicSpec[]): void
  find(name: string): Topic | undefined
  /** @throws {@link StreamError} with reason `no-topic`. */
  get(name: string): Topic
  /** First kept offset and the next to be written. */
  marks(part: Part): { readonly low: number; readonly high: number }
  watermarks(name: string): Watermark[]
}

/** Topics of an open database. */
export function sqliteTopics(db: DatabaseSync): Topics {
  const select = db.prepare('SELECT policy, max_bytes AS maxBytes FROM topic WHERE name = ?')
  const selectParts = db.prepare('SELECT id, n FROM part WHERE topic = ? ORDER BY n')
  const selectMarks = db.prepare('SELECT low, next AS high FROM part WHERE id = ?')
  const insert = db.prepare(
    `INSERT INTO topic (name, partitions, policy, max_bytes) VALUES (?, ?, ?, ?)
     ON CONFLICT (name) DO UPDATE SET max_bytes = excluded.max_bytes`,
  )
  const insertPart = db.prepare(
    'INSERT INTO part (topic, n, low, next, bytes) VALUES (?, ?, 0, 0, 0)',
  )

  function find(name: string): Topic | undefined {
    const row = select.get(name)
    if (row === undefined) return undefined
    const parts = selectParts.all(name).map((part) => ({
      id: Number(part['id']),
      name: `${name}/${part['n']}` as Partition,
    }))
    return {
      name,
      parts,
      isCompacted: row['policy'] === 'compact',
      maxBytes: Number(row['maxBytes']),
    }
  }

  function get(name: string): Topic {
    const topic = find(name)
    if (topic) return topic
    throw new StreamError(`stream: expected a topic that exists, got ${name}`, {
      reason: 'no-topic',
    })
  }

  function marks(part: Part): { low: number; high: number } {
    return selectMarks.get(part.id) as unknown as { low: number; high: number }
  }

  return {
    find,
    get,
    marks,
    watermarks: (name) => get(name).parts.map((part) => ({ partition: part.name, ...marks(part) })),
    ensure: (specs) =>
      transact(db, () => {
        for (const { name, partitions, policy, maxBytes } of specs.map(checked)) {
          const isNew = find(name) === undefined
          insert.run(name, partitions, policy, maxBytes)
          for (let n = 0; isNew && n < partitions; n++) insertPart.run(name, n)
        }
      }),
  }
}

function checked(spec: TopicSpec): TopicSpec {
  const fine = /^[A-Za-z0-9._-]{1,249}$/.test(spec.name) && spec.partitions >= 1
  if (fine) return spec
  const got = `${spec.name} with ${spec.partitions} partitions`
  throw new StreamError(`ensureTopics: expected a name of A–Z a–z 0–9 . _ - and ≥ 1, got ${got}`, {
    reason: 'bad-topic',
  })
}
