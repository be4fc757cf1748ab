import { describe, expect, it } from 'vitest'
import { RegistryError } from '../../lib/errors.ts'
import { versions } from '../../lib/registry/versions.ts'
import type { Found } from '../../lib/store/types.ts'
import { temporaryStores } from '../support/stores.ts'

const digest = (first: string): string => first.padEnd(64, '0')

describe('versions', () => {
  it('creates a version once; the same digest again is success', async () => {
    const known = versions(temporaryStores().documents)
    const first = await known.create(1, digest('ab'))
    expect(first).toEqual({ format: 1, version: 'v1-ab0000000000', manifest: digest('ab') })
    expect(await known.create(1, digest('ab'))).toEqual(first)
  })

  it('refuses another digest under a number that is taken', async () => {
    const known = versions(temporaryStores().documents)
    await known.create(1, digest('ab'))
    await expect(known.create(1, digest('cd'))).rejects.toThrow(RegistryError)
    expect((await known.get(1))?.manifest).toBe(digest('ab'))
  })

  it('lets exactly one of two histories have a number', async () => {
    const stores = temporaryStores()
    const racers = ['ab', 'cd'].map((d) => versions(stores.again().documents).create(1, digest(d)))
    const outcomes = await Promise.allSettled(racers)
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
  })

  it('lists by number, newest first, and knows the next one', async () => {
    const known = versions(temporaryStores().documents)
    expect(await known.next()).toBe(1)
    for (const n of [9, 10, 2]) await known.create(n, digest('ab'))
    const names = (await known.list()).map(({ version }) => version)
    expect(names).toEqual(['v10-ab0000000000', 'v9-ab0000000000', 'v2-ab0000000000'])
    expect(await known.next()).toBe(11)
  })

  it.each(['v1', 'v1-', 'v1-ab00', 'v1-ab0000000000'])('resolves %s', async (name) => {
    const known = versions(temporaryStores().documents)
    await known.create(1, digest('ab'))
    expect((await known.resolve(name))?.version).toBe('v1-ab0000000000')
  })

  it.each(['v2', 'v1-cd', 'v1-ab00000000001', '1', 'v', 'stable', ''])(
    'knows no version %j',
    async (name) => {
      const known = versions(temporaryStores().documents)
      await known.create(1, digest('ab'))
      expect(await known.resolve(name)).toBeUndefined()
    },
  )

  it('touches a version without changing it: only its tag is new', async () => {
    const { documents } = temporaryStores()
    const known = versions(documents)
    await known.create(1, digest('ab'))
    const before = (await documents.read('versions/1')) as Found
    await known.touch(1, digest('ab'))
    const after = (await documents.read('versions/1')) as Found
    expect(after.value).toEqual(before.value)
    expect(after.tag).not.toBe(before.tag)
  })

  it('makes a version that was removed again when it is touched', async () => {
    const known = versions(temporaryStores().documents)
    await known.touch(1, digest('ab'))
    expect(await known.get(1)).toBeDefined()
  })
})
