import { randomUUID } from 'node:crypto'
import { mkdirSync, statfsSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { StoreError } from '../errors.ts'
import { transact } from '../store/sqlite-commit.ts'
import { sqliteFault } from '../store/sqlite-faults.ts'
import { pragma, readFormat } from './database-format.ts'
import { applicationId, type SchemaHistory, schemaHistory } from './database-schema.ts'
import { upgradeDatabase } from './database-upgrade.ts'

/** Name of the SQLite file inside the data folder. */
export const databaseName: string = 'contrastream.db'

/** How to open the database of a data folder. */
export interface OpenDatabaseOptions {
  /**
   * Whether to look for damage first, about 2 s a GB. Default true; the supervisor does it once
   * and the roles it starts do not.
   */
  readonly check?: boolean
  /** Magic number of the file system that holds a folder, as `statfs` reports it. For tests. */
  readonly fileSystemOf?: (folder: string) => number
  /** Another schema than that of this program. For tests. */
  readonly history?: SchemaHistory
}

/** Defaults of {@link OpenDatabaseOptions}. */
export const defaultOpenDatabaseOptions: Required<OpenDatabaseOptions> = {
  check: true,
  fileSystemOf: (folder) => statfsSync(folder).type,
  history: schemaHistory,
}

/**
 * File systems that other machines mount too, by `statfs` type on Linux: the write-ahead log needs
 * memory shared by all who open the file. Other systems than Linux number theirs differently.
 */
const networkFileSystems: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB2'],
  [0x00c36400, 'Ceph'],
  [0x0bd00bd0, 'Lustre'],
  [0x47504653, 'GPFS'],
  [0x5346414f, 'AFS'],
  [0x73757245, 'Coda'],
  [0x564c, 'NCP'],
])

/**
 * Opens the database of a data folder; creates both if they are absent. A file of an older format
 * is copied, and then brought to the present one.
 *
 * Every commit is durable before it returns (`synchronous=FULL`), several processes may have the
 * file open, and writers wait for each other up to 5 s.
 *
 * @param folder - The data folder, on a disk of this machine.
 * @returns The open database. The caller closes it.
 * @throws {@link StoreError} with reason `folder`, `network-file-system`, `newer-format`,
 *   `foreign` (another program's database), `damaged`, `disk-full`, `read-only` or `busy`.
 */
export function openDatabase(folder: string, options: OpenDatabaseOptions = {}): DatabaseSync {
  const { check, fileSystemOf, history } = { ...defaultOpenDatabaseOptions, ...options }
  makeFolder(folder)
  const network = process.platform === 'linux' && networkFileSystems.get(fileSystemOf(folder) >>> 0)
  if (network) {
    const message = `openDatabase: expected a folder on a local disk, got ${folder} on ${network}`
    throw new StoreError(`${message}; choose a folder on this machine`, {
      reason: 'network-file-system',
    })
  }
  const path = join(folder, databaseName)
  let db: DatabaseSync | undefined
  try {
    db = connect(path)
    const format = readFormat(db, path, history.version)
    if (format !== 0 && format < history.version) {
      db.close()
      upgradeDatabase(path, history)
      db = connect(path)
    }
    prepare(db, path, history)
    if (check) expectSound(db, path)
    return db
  } catch (cause) {
    if (db?.isOpen) db.close()
    throw cause instanceof StoreError ? cause : openError(path, cause)
  }
}

const connect = (path: string): DatabaseSync =>
  new DatabaseSync(path, { timeout: 5_000, enableForeignKeyConstraints: true })

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  } catch (cause) {
    const message = `openDatabase: expected a folder that can be made, got ${folder}`
    throw new StoreError(`${message}: ${(cause as Error).message}`, { reason: 'folder', cause })
  }
}

/** Checks whose file it is and of which format, sets the pragmas, and fills a new file. */
function prepare(db: DatabaseSync, path: string, history: SchemaHistory): void {
  const isNew = readFormat(db, path, history.version) === 0
  if (isNew) db.exec('PRAGMA auto_vacuum = INCREMENTAL') // counts only before the first table
  db.exec('PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 67108864')
  const mode = enterWal(db)
  if (mode !== 'wal') {
    const message = `openDatabase: expected ${path} to allow a write-ahead log, got ${mode}`
    throw new StoreError(message, { reason: 'folder' })
  }
  if (isNew) create(db, path, history)
}

/** Tries for 5 s: while another process switches, this answers busy without waiting. */
function enterWal(db: DatabaseSync): unknown {
  for (let attempt = 0; ; attempt++) {
    try {
      return pragma(db, 'journal_mode = WAL')
    } catch (error) {
      if (sqliteFault(error) !== 'busy' || attempt === 250) throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20)
    }
  }
}

/** Writes the schema, unless another process has done so since we looked. */
function create(db: DatabaseSync, path: string, { version, tables }: SchemaHistory): void {
  transact(db, () => {
    if (readFormat(db, path, version) !== 0) return
    db.exec(tables)
    db.prepare("INSERT INTO meta (key, value) VALUES ('uuid', ?), ('tag', '0')").run(randomUUID())
    db.exec(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${version}`)
  })
}

function expectSound(db: DatabaseSync, path: string): void {
  const finding = pragma(db, 'quick_check(1)')
  if (finding !== 'ok') throw damaged(path, String(finding))
}

function damaged(path: string, detail: string, cause?: unknown): StoreError {
  const message = `openDatabase: expected ${path} to be sound, got: ${detail}`
  return new StoreError(`${message}; restore the data folder from a backup`, {
    reason: 'damaged',
    cause,
  })
}

function openError(path: string, cause: unknown): StoreError {
  const fault = sqliteFault(cause)
  const detail = cause instanceof Error ? cause.message : String(cause)
  if (fault === 'damaged') return damaged(path, detail, cause)
  const reason = fault === 'io' ? 'folder' : fault
  const retryable = fault === 'busy' || fault === 'disk-full'
  const message = `openDatabase: expected ${path} to open for writing, got: ${detail}`
  const remedy = '; give this user the right to write there, or choose another folder'
  return new StoreError(fault === 'read-only' ? message + remedy : message, {
    reason,
    retryable,
    cause,
  })
}
