import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { openDatabase } from '../../lib/service/database.ts'
import { fileBlobs } from '../../lib/store/file.ts'
import { sweepBlobs } from '../../lib/store/file-sweep.ts'
import { sqliteDocuments } from '../../lib/store/sqlite.ts'
import type { BlobStore, Digest, DocumentStore, Space } from '../../lib/store/types.ts'
import type { ChildProgram } from './child.ts'
import { type FaultyDatabase, faultyDatabase, sqliteError } from './faulty-database.ts'
import type { BlobHarness, StoreHarness } from './harness.ts'

/** A fresh data folder and the databases that were opened on it. */
export interface LocalFolder {
  readonly folder: string
  /** Opens it once more, as another process would. */
  open(): FaultyDatabase
  dispose(): Promise<void>
}

/** Makes a data folder below the system's temporary one. */
export async function localFolder(): Promise<LocalFolder> {
  const folder = await mkdtemp(join(tmpdir(), 'contrastream-store-'))
  const opened: DatabaseSync[] = []
  return {
    folder,
    open: () => {
      const db = openDatabase(folder, { check: false })
      opened.push(db)
      return faultyDatabase(db)
    },
    dispose: async () => {
      for (const db of opened) db.close()
      await rm(folder, { recursive: true })
    },
  }
}

/** Documents in a fresh SQLite file. */
export async function documentHarness(): Promise<StoreHarness<DocumentStore>> {
  const local = await localFolder()
  const under = new Map<DocumentStore, FaultyDatabase>()
  return {
    ...programs(local.folder),
    faults: faultsOf((store) => under.get(store) as FaultyDatabase),
    dispose: local.dispose,
    open: async () => {
      const faulty = local.open()
      const store = sqliteDocuments(faulty.db)
      under.set(store, faulty)
      return store
    },
  }
}

/** What the tests of the blob folder know beyond the contract. */
export interface FileHarness extends BlobHarness {
  readonly folder: string
  readonly now: () => number
  under(store: BlobStore): FaultyDatabase
  /** Path of a blob's file. */
  path(space: Space, digest: Digest): string
}

/** Blobs in a fresh folder. */
export async function fileHarness(): Promise<FileHarness> {
  const local = await localFolder()
  const { folder } = local
  const clients = new Map<BlobStore, FaultyDatabase>()
  const under = (store: BlobStore) => clients.get(store) as FaultyDatabase
  let passed = 0
  const now = () => Date.now() + passed
  const path = (space: Space, digest: Digest) =>
    join(folder, 'blobs', space, digest.slice(0, 2), digest)
  return {
    folder,
    now,
    under,
    path,
    ...programs(folder),
    faults: faultsOf(under),
    dispose: local.dispose,
    open: async () => {
      const faulty = local.open()
      const store = fileBlobs(folder, faulty.db, { now })
      clients.set(store, faulty)
      return store
    },
    advance: (ms) => {
      passed += ms
    },
    flipByte: (space, digest) => flipByte(path(space, digest), 0),
    expire: async (store, expireMs) => {
      await sweepBlobs(folder, under(store).db, store, { expireMs, now })
    },
  }
}

/** Inverts the lowest bit of one byte of a file. */
export async function flipByte(path: string, at: number): Promise<void> {
  const file = await open(path, 'r+')
  const byte = new Uint8Array(1)
  await file.read(byte, 0, 1, at)
  await file.write(
    byte.map((value) => value ^ 1),
    0,
    1,
    at,
  )
  await file.close()
}

function programs(folder: string): {
  peer: () => ChildProgram
  mortalPeer: (n: number) => ChildProgram
} {
  const script = new URL('./local-peer.ts', import.meta.url)
  return {
    peer: () => ({ script, args: [folder] }),
    mortalPeer: (n) => ({
      script,
      args: [folder],
      env: { DIE_AT: `${n}` },
      preload: new URL('./die-at.ts', import.meta.url),
    }),
  }
}

function faultsOf<Store>(
  under: (store: Store) => FaultyDatabase,
): NonNullable<StoreHarness<Store>['faults']> {
  return {
    fullDisk: async (store) => {
      const { db } = under(store)
      const pages = Number(db.prepare('PRAGMA page_count').get()?.['page_count'])
      db.exec(`PRAGMA max_page_count = ${pages + 1}`)
      return async () => db.exec('PRAGMA max_page_count = 4294967294')
    },
    readOnly: async (store) => {
      const { db } = under(store)
      db.exec('PRAGMA query_only = 1')
      return async () => db.exec('PRAGMA query_only = 0')
    },
    loseAnswer: async (store) => {
      const faulty = under(store)
      faulty.hook = {
        after: (sql) => {
          if (sql !== 'COMMIT') return
          faulty.hook = {}
          throw sqliteError(1034, 'disk I/O error') // SQLITE_IOERR_FSYNC
        },
      }
    },
  }
}
