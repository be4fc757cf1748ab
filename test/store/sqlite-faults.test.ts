import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import { leavesNothing, sqliteFault, storeError } from '../../lib/store/sqlite-faults.ts'
import { sqliteError } from './faulty-database.ts'

/** What a call throws. */
function thrown(call: () => unknown): unknown {
  try {
    call()
  } catch (error) {
    return error
  }
  throw new Error('expected the call to throw')
}

describe('sqliteFault', () => {
  it.each([
    [5, 'busy'],
    [517, 'busy'], // SQLITE_BUSY_SNAPSHOT
    [8, 'read-only'],
    [10, 'io'],
    [1034, 'io'], // SQLITE_IOERR_FSYNC
    [11, 'damaged'],
    [26, 'damaged'],
    [13, 'disk-full'],
    [14, 'io'],
    [19, 'other'],
  ])('reads the extended code %i as %s', (code, fault) => {
    expect(sqliteFault(sqliteError(code, 'injected'))).toBe(fault)
  })

  it('knows what the driver itself throws', () => {
    const db = new DatabaseSync(':memory:')
    const large = () => db.prepare('SELECT 9007199254740993').get()
    expect(sqliteFault(thrown(large))).toBe('unsafe-integer')
    expect(sqliteFault(thrown(() => db.exec('no sql')))).toBe('other')
    db.close()
    expect(sqliteFault(thrown(() => db.exec('SELECT 1')))).toBe('closed')
  })

  it('has a word for anything else', () => {
    expect(sqliteFault(undefined)).toBe('other')
    expect(sqliteFault(new TypeError('a mistake'))).toBe('other')
  })
})

describe('leavesNothing', () => {
  it('is certain only of what SQLite rolls back or never began', () => {
    expect((['busy', 'read-only', 'disk-full', 'closed'] as const).every(leavesNothing)).toBe(true)
    expect((['io', 'damaged', 'other'] as const).some(leavesNothing)).toBe(false)
  })
})

describe('storeError', () => {
  it.each([
    [5, 'busy', true],
    [13, 'disk-full', true],
    [8, 'read-only', false],
    [10, 'unknown', true],
    [11, 'damaged', false],
  ])('turns code %i into reason %s', (code, reason, retryable) => {
    const cause = sqliteError(code, 'injected')
    expect(storeError('here', cause)).toMatchObject({ code: 'STORE', reason, retryable, cause })
  })
})
