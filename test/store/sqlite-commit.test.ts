import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { groupCommit, transact } from '../../lib/store/sqlite-commit.ts'
import { type FaultyDatabase, sqliteError } from './faulty-database.ts'
import { type LocalFolder, localFolder } from './local-harness.ts'

let local: LocalFolder
let faulty: FaultyDatabase
beforeEach(async () => {
  local = await localFolder()
  faulty = local.open()
  faulty.db.exec('CREATE TABLE n (n INTEGER) STRICT')
})
afterEach(() => local.dispose())

const insert = (n: number) => faulty.db.prepare('INSERT INTO n VALUES (?)').run(n)
const stored = () =>
  local
    .open()
    .db.prepare('SELECT n FROM n ORDER BY n')
    .all()
    .map((row) => row['n'])
const commits = () => {
  let count = 0
  faulty.hook = { after: (sql) => (count += sql === 'COMMIT' ? 1 : 0) }
  return () => count
}

describe('transact', () => {
  it('makes all of its work visible to others at once', () => {
    transact(faulty.db, () => {
      insert(1)
      expect(stored()).toEqual([])
      insert(2)
    })
    expect(stored()).toEqual([1, 2])
  })

  it('leaves nothing behind when its work throws', () => {
    const failing = () =>
      transact(faulty.db, () => {
        insert(1)
        throw new Error('enough')
      })
    expect(failing).toThrow('enough')
    expect(faulty.db.isTransaction).toBe(false)
    expect(stored()).toEqual([])
  })

  it('reports the first fault when even the way back fails', () => {
    faulty.hook = {
      before: (sql) => {
        if (sql === 'COMMIT') throw sqliteError(10, 'the disk is gone')
        if (sql === 'ROLLBACK') throw sqliteError(10, 'it is still gone')
      },
    }
    expect(() => transact(faulty.db, () => insert(1))).toThrow('the disk is gone')
  })

  it('reports the fault itself when SQLite has already rolled back', () => {
    const pages = Number(faulty.db.prepare('PRAGMA page_count').get()?.['page_count'])
    faulty.db.exec(`PRAGMA max_page_count = ${pages}`)
    const filling = () =>
      transact(faulty.db, () => {
        for (let n = 0; n < 10_000; n++) insert(n)
      })
    expect(filling).toThrow('full')
    expect(stored()).toEqual([])
  })
})

describe('groupCommit', () => {
  it('resolves with the results of what one tick handed over, after one commit', async () => {
    const commit = groupCommit(faulty.db)
    const count = commits()
    const results = await Promise.all([1, 2, 3].map((n) => commit(() => insert(n) && n * 10)))
    expect(results).toEqual([10, 20, 30])
    expect(count()).toBe(1)
    expect(stored()).toEqual([1, 2, 3])
  })

  it('leaves what exceeds the limits to the next transactions, in order', async () => {
    const commit = groupCommit(faulty.db)
    const count = commits()
    const order: number[] = []
    const half = { records: 1, bytes: 4 * 1024 * 1024 }
    await Promise.all([1, 2, 3, 4, 5].map((n) => commit(() => order.push(n), half)))
    expect(count()).toBe(3)
    expect(order).toEqual([1, 2, 3, 4, 5])
  })

  it('commits alone what exceeds the limits by itself', async () => {
    const commit = groupCommit(faulty.db)
    const count = commits()
    const huge = { records: 5_000, bytes: 0 }
    await Promise.all([commit(() => insert(1), huge), commit(() => insert(2))])
    expect(count()).toBe(2)
  })

  it('rejects all of a transaction that fails, and goes on with the next', async () => {
    const commit = groupCommit(faulty.db)
    faulty.hook = {
      before: (sql) => {
        if (sql !== 'COMMIT') return
        faulty.hook = {}
        throw sqliteError(13, 'database or disk is full')
      },
    }
    const settled = await Promise.allSettled([1, 2].map((n) => commit(() => insert(n))))
    expect(settled.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    await commit(() => insert(3))
    expect(stored()).toEqual([3])
  })
})
