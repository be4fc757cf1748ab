import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { openDatabase } from '../../lib/service/database.ts'
import { sqliteStream } from '../../lib/stream/sqlite.ts'
import type { Partition, StreamPort } from '../../lib/stream/types.ts'
import { type FaultyDatabase, faultyDatabase, sqliteError } from '../store/faulty-database.ts'
import type { DiskHarness } from './harness.ts'

const sessionMs = 400
const attempts = 3

/** What the tests of this adapter know beyond the contract. */
export interface SqliteHarness extends DiskHarness {
  readonly folder: string
  /** The database behind a stream, to break its statements. */
  under(stream: StreamPort): FaultyDatabase
}

/** A fresh data folder. */
export async function sqliteHarness(): Promise<SqliteHarness> {
  const folder = await mkdtemp(join(tmpdir(), 'contrastream-stream-'))
  const clients = new Map<StreamPort, FaultyDatabase>()
  const own = openDatabase(folder)
  const under = (stream: StreamPort) => clients.get(stream) as FaultyDatabase

  async function closeClients(): Promise<void> {
    for (const [stream, { db }] of clients) {
      await stream.close({ deadlineMs: 200 })
      db.close()
    }
    clients.clear()
  }

  return {
    folder,
    under,
    sessionMs,
    attempts,
    restart: closeClients,
    open: async () => {
      const faulty = faultyDatabase(openDatabase(folder, { check: false }))
      const stream = sqliteStream(faulty.db, { leaseMs: sessionMs, attempts, backOffMs: 5 })
      clients.set(stream, faulty)
      return stream
    },
    peer: () => ({
      script: new URL('./sqlite-peer.ts', import.meta.url),
      args: [folder, `${sessionMs}`],
    }),
    dropBelow: async (partition, offset) => dropBelow(own, partition, offset),
    fullDisk: async (stream) => {
      const { db } = under(stream)
      const pages = Number(db.prepare('PRAGMA page_count').get()?.['page_count'])
      db.exec(`PRAGMA max_page_count = ${pages + 1}`)
      return async () => db.exec('PRAGMA max_page_count = 4294967294')
    },
    readOnly: async (stream) => {
      const { db } = under(stream)
      db.exec('PRAGMA query_only = 1')
      return async () => db.exec('PRAGMA query_only = 0')
    },
    loseAnswer: async (stream) => {
      const faulty = under(stream)
      faulty.hook = {
        after: (sql) => {
          if (sql !== 'COMMIT') return
          faulty.hook = {}
          throw sqliteError(1034, 'disk I/O error') // SQLITE_IOERR_FSYNC
        },
      }
    },
    dispose: async () => {
      await closeClients()
      own.close()
      await rm(folder, { recursive: true })
    },
  }
}

function dropBelow(db: DatabaseSync, partition: Partition, offset: number): void {
  const [topic, n] = partition.split('/') as [string, string]
  const id = Number(
    db.prepare('SELECT id FROM part WHERE topic = ? AND n = ?').get(topic, n)?.['id'],
  )
  db.prepare('DELETE FROM record WHERE part = ? AND off < ?').run(id, offset)
  db.prepare('UPDATE part SET low = ? WHERE id = ?').run(offset, id)
}
