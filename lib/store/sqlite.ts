import type { DatabaseSync } from 'node:sqlite'
import { InputError } from '../errors.ts'
import { documentJson, expectKey } from './document-json.ts'
import { groupCommit } from './sqlite-commit.ts'
import { storeError } from './sqlite-faults.ts'
import type { DocumentStore, Found, JsonObject, Tag, Write } from './types.ts'

interface Row {
  readonly tag: number
  readonly value: string
}

/**
 * Documents in the table `document` of the data folder's SQLite file.
 *
 * Tags come from one counter in `meta` that only grows, so that none comes back, not even when a
 * key is removed and created again. What one tick of the event loop writes is one commit.
 *
 * @param db - An open database with our schema; the caller closes it.
 */
export function sqliteDocuments(db: DatabaseSync): DocumentStore {
  const commit = groupCommit(db)
  const select = db.prepare('SELECT tag, value FROM document WHERE key = ?')
  const takeTag = db.prepare(
    "UPDATE meta SET value = CAST(value AS INTEGER) + 1 WHERE key = 'tag' RETURNING value",
  )
  const put = db.prepare('INSERT OR REPLACE INTO document (key, tag, value) VALUES (?, ?, ?)')
  const erase = db.prepare('DELETE FROM document WHERE key = ? AND tag = ?')
  const keys = db.prepare(
    'SELECT key FROM document WHERE key >= ? AND key < ? AND key > ? ORDER BY key LIMIT ?',
  )
  const find = (key: string) => select.get(key) as unknown as Row | undefined

  /** Writes `value` if `allowed` says so of the row that is there at that moment. */
  function write(
    key: string,
    value: JsonObject,
    allowed: (row: Row | undefined) => boolean,
  ): Promise<Write> {
    const json = documentJson(key, value)
    return commit((): Write => {
      const row = find(key)
      if (!allowed(row)) return { ok: false, current: row && decode(row) }
      const tag = Number((takeTag.get() as unknown as { value: string }).value)
      put.run(key, tag, json)
      return { ok: true, tag: String(tag) }
    })
  }

  return {
    read: (key, unless) =>
      translated('read', key, async () => {
        const row = find(expectKey(key))
        if (row === undefined) return undefined
        return String(row.tag) === unless ? 'unchanged' : decode(row)
      }),
    create: (key, value) =>
      translated('create', key, () => write(key, value, (row) => row === undefined)),
    swap: (key, value, tag) =>
      translated('swap', key, () =>
        write(key, value, (row) => row !== undefined && holds(row, tag)),
      ),
    remove: (key, tag) =>
      translated('remove', key, () =>
        commit(() => {
          const row = find(expectKey(key))
          return row !== undefined && holds(row, tag) && erase.run(key, row.tag).changes === 1
        }),
      ),
    list: (prefix, options = {}) =>
      translated('list', prefix, async () => {
        // Keys are ASCII without DEL, so that DEL ends every prefix.
        const rows = keys.all(prefix, `${prefix}\x7f`, options.after ?? '', options.limit ?? -1)
        return rows.map((row) => String(row['key']))
      }),
  }
}

function holds(row: Row, tag: Tag): boolean {
  return String(row.tag) === tag
}

function decode(row: Row): Found {
  return { value: JSON.parse(row.value) as JsonObject, tag: String(row.tag) }
}

/** Runs a call, with what SQLite throws turned into a {@link StoreError}. */
async function translated<T>(call: string, key: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    if (cause instanceof InputError) throw cause
    throw storeError(`document ${call} ${key}`, cause)
  }
}
