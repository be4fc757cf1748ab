import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import sqlite from 'node:sqlite'

/** A file call or SQL statement that is about to run. */
export interface Operation {
  /** Name of the call: `open`, `rename`, `run`, … */
  readonly name: string
  /** Whether it changes nothing that another process could see. */
  readonly isRead: boolean
}

/** Runs an operation, or does something else in its place. */
export type Around = (operation: Operation, run: () => unknown) => unknown

const reads: ReadonlySet<string> = new Set(['readdir', 'stat', 'statSync', 'readFile', 'close'])

function wrap(
  owner: object,
  names: readonly string[],
  around: Around,
  isRead: (name: string, self: unknown, values: readonly unknown[]) => boolean,
): void {
  for (const name of names) {
    const original = Reflect.get(owner, name) as (...values: unknown[]) => unknown
    Reflect.set(owner, name, function wrapped(this: unknown, ...values: unknown[]) {
      const operation = { name, isRead: isRead(name, this, values) }
      return around(operation, () => original.apply(this, values))
    })
  }
}

const isReading = (sql: unknown): boolean => /^\s*(SELECT|PRAGMA)/i.test(String(sql))

/** Stands around every file call and SQL statement of this process that our stores make. */
export async function aroundOperations(around: Around): Promise<void> {
  const isFileRead = (name: string, _: unknown, [, flags]: readonly unknown[]) =>
    reads.has(name) || (name === 'open' && flags === 'r')
  const ofHandle = (name: string) => reads.has(name)
  const ofDatabase = (_: string, __: unknown, [sql]: readonly unknown[]) => isReading(sql)
  const ofStatement = (_: string, self: unknown) =>
    isReading((self as { sourceSQL: string }).sourceSQL)
  wrap(fs.promises, ['open', 'rename', 'mkdir', 'unlink', 'readdir', 'stat'], around, isFileRead)
  wrap(fs, ['statSync', 'rmSync'], around, isFileRead)
  wrap(sqlite.DatabaseSync.prototype, ['exec'], around, ofDatabase)
  wrap(sqlite.StatementSync.prototype, ['run', 'get', 'all'], around, ofStatement)
  const handle = await fs.promises.open(process.execPath, 'r')
  const files = Object.getPrototypeOf(handle)
  wrap(files, ['sync', 'writeFile', 'readFile', 'close'], around, ofHandle)
  await handle.close()
  syncBuiltinESMExports()
}
