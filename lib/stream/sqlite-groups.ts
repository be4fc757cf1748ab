import type { DatabaseSync } from 'node:sqlite'
import { transact } from '../store/sqlite-commit.ts'
import type { Part } from './sqlite-topics.ts'

/** Who owns a group: all its partitions at once. */
export interface Member {
  /** Empty when released. */
  readonly owner: string
  /** Grows by one with each owner; what an earlier one still writes is refused. */
  readonly epoch: number
  /** Grows as long as the owner lives. */
  readonly beat: number
}

/** The tables `member` and `position`. */
export interface Groups {
  member(group: string): Member | undefined
  /** Becomes the owner if the group is as it was seen; the new epoch, or nothing if it is not. */
  take(group: string, owner: string, seen: Member | undefined): number | undefined
  /** Shows that the owner lives; false if the group has another one. */
  renew(group: string, epoch: number): boolean
  release(group: string, epoch: number): void
  /** Notes where a partition goes on; false if the group has another owner. In a transaction. */
  report(group: string, epoch: number, progress: Progress): boolean
  position(group: string, part: Part): number | undefined
}

/** A commit of one partition. */
export interface Progress {
  readonly part: Part
  readonly next: number
  /** When, ms since 1970. */
  readonly at: number
}

/** Consumer groups of an open database. */
export function sqliteGroups(db: DatabaseSync): Groups {
  const select = db.prepare('SELECT owner, epoch, beat FROM member WHERE grp = ?')
  const upsert = db.prepare(
    `INSERT INTO member (grp, owner, epoch, beat) VALUES (?, ?, 1, 0)
     ON CONFLICT (grp) DO UPDATE SET owner = excluded.owner, epoch = epoch + 1, beat = 0
     RETURNING epoch`,
  )
  const beat = db.prepare('UPDATE member SET beat = beat + 1 WHERE grp = ? AND epoch = ?')
  const clear = db.prepare("UPDATE member SET owner = '' WHERE grp = ? AND epoch = ?")
  const write = db.prepare(
    `INSERT INTO position (grp, part, next, at) VALUES (?, ?, ?, ?)
     ON CONFLICT (grp, part) DO UPDATE SET next = excluded.next, at = excluded.at`,
  )
  const read = db.prepare('SELECT next FROM position WHERE grp = ? AND part = ?')
  const member = (group: string) => select.get(group) as unknown as Member | undefined

  return {
    member,
    take: (group, owner, seen) =>
      transact(db, () => {
        const current = member(group)
        if (current?.epoch !== seen?.epoch || current?.beat !== seen?.beat) return undefined
        return Number(upsert.get(group, owner)?.['epoch'])
      }),
    renew: (group, epoch) => transact(db, () => beat.run(group, epoch).changes === 1),
    release: (group, epoch) => {
      transact(db, () => clear.run(group, epoch))
    },
    report: (group, epoch, { part, next, at }) => {
      if (member(group)?.epoch !== epoch) return false
      write.run(group, part.id, next, at)
      return true
    },
    position: (group, part) => {
      const row = read.get(group, part.id)
      return row && Number(row['next'])
    },
  }
}
