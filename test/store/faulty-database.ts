import type { DatabaseSync, StatementSync } from 'node:sqlite'

/** Decides before (and may decide after) each statement; throws to make it fail. */
export interface StatementHook {
  /** The SQL that is about to run. */
  before?(sql: string): void
  /** The SQL that has run: throwing now loses the answer. */
  after?(sql: string): void
}

/** A database whose statements a test can make fail, and the hook to do it with. */
export interface FaultyDatabase {
  readonly db: DatabaseSync
  hook: StatementHook
}

/** Wraps a database: same file, same behaviour, until `hook` is set. */
export function faultyDatabase(real: DatabaseSync): FaultyDatabase {
  const self: { db: DatabaseSync; hook: StatementHook } = { db: real, hook: {} }
  const guarded = <T>(sql: string, run: () => T): T => {
    self.hook.before?.(sql)
    const result = run()
    self.hook.after?.(sql)
    return result
  }
  self.db = guard(real, {
    exec: (sql: string) => guarded(sql, () => real.exec(sql)),
    prepare: (sql: string) => {
      const statement = real.prepare(sql)
      const call =
        (method: 'run' | 'get' | 'all') =>
        (...values: never[]) =>
          guarded(sql, () => statement[method](...values))
      return guard<StatementSync>(statement, {
        run: call('run'),
        get: call('get'),
        all: call('all'),
      })
    },
  })
  return self
}

/** An error as `node:sqlite` throws it. */
export function sqliteError(errcode: number, message: string): Error {
  return Object.assign(new Error(message), { code: 'ERR_SQLITE_ERROR', errcode })
}

/** An object whose methods are replaced, the others bound to the original. */
function guard<T extends object>(target: T, replaced: object): T {
  return new Proxy(target, {
    get(_, name) {
      if (Object.hasOwn(replaced, name)) return Reflect.get(replaced, name)
      const value = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}
