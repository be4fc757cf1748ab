import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Groups, sqliteGroups } from '../../lib/stream/sqlite-groups.ts'
import { sqliteTopics } from '../../lib/stream/sqlite-topics.ts'
import { type LocalFolder, localFolder } from '../store/local-harness.ts'
import { topics } from './harness.ts'

describe('sqliteGroups', () => {
  let local: LocalFolder
  let groups: Groups
  let part: { readonly id: number; readonly name: 't/0' }
  beforeEach(async () => {
    local = await localFolder()
    const { db } = local.open()
    const known = sqliteTopics(db)
    known.ensure(topics)
    part = known.get('t').parts[0] as typeof part
    groups = sqliteGroups(db)
  })
  afterEach(() => local.dispose())

  const take = (owner: string) => groups.take('g', owner, groups.member('g'))

  it('gives each owner the next epoch', () => {
    expect([take('one'), take('two'), take('three')]).toEqual([1, 2, 3])
    expect(groups.member('g')).toEqual({ owner: 'three', epoch: 3, beat: 0 })
  })

  it('lets nobody take what has changed since it was looked at', () => {
    const seen = groups.member('g')
    const epoch = take('one') as number
    expect(groups.take('g', 'two', seen)).toBeUndefined()
    const before = groups.member('g')
    groups.renew('g', epoch)
    expect(groups.take('g', 'two', before)).toBeUndefined()
    expect(groups.member('g')?.owner).toBe('one')
  })

  it('takes a position of the present owner only', () => {
    const old = take('one') as number
    expect(groups.report('g', old, { part, next: 5, at: 1 })).toBe(true)
    const epoch = take('two') as number
    expect(groups.report('g', old, { part, next: 9, at: 2 })).toBe(false)
    expect(groups.position('g', part)).toBe(5)
    expect(groups.report('g', epoch, { part, next: 6, at: 2 })).toBe(true)
    expect(groups.position('g', part)).toBe(6)
  })

  it('renews and releases only what one owns', () => {
    const old = take('one') as number
    take('two')
    expect(groups.renew('g', old)).toBe(false)
    groups.release('g', old)
    expect(groups.member('g')).toMatchObject({ owner: 'two', beat: 0 })
  })

  it('keeps the epoch of a group that is released', () => {
    groups.release('g', take('one') as number)
    expect(groups.member('g')).toMatchObject({ owner: '', epoch: 1 })
    expect(take('two')).toBe(2)
  })

  it('keeps the positions of groups apart', () => {
    groups.report('g', take('one') as number, { part, next: 5, at: 1 })
    expect(groups.position('h', part)).toBeUndefined()
  })
})
