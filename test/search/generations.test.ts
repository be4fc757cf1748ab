import { describe, expect, it } from 'vitest'
import { MissingError, RegistryError } from '../../lib/errors.ts'
import { generations } from '../../lib/search/generations.ts'
import type { Found } from '../../lib/store/types.ts'
import { temporaryStores } from '../support/stores.ts'
import { begun, newGeneration } from './generation-support.ts'
import { stamp } from './support.ts'

describe('generations', () => {
  it('begins one with nothing in it, and gives whoever comes second the same', async () => {
    const all = generations(temporaryStores().documents)
    const first = await all.create(newGeneration(), 1)
    expect(first).toMatchObject({ id: `${stamp.version}.1`, state: 'building', blocks: [] })
    expect(await all.create({ ...newGeneration(), at: 99 }, 1)).toEqual(first)
    expect(await all.read(first.id)).toEqual(first)
  })

  it('lists the attempts of a version in their order', async () => {
    const all = generations(temporaryStores().documents)
    for (const attempt of [2, 10, 1]) {
      await all.create({ ...newGeneration(), at: 100 - attempt }, attempt)
    }
    await all.create({ ...newGeneration('v11-0123456789ab'), at: 1 }, 1)
    const ids = (await all.list(stamp.version)).map(({ id }) => id)
    expect(ids).toEqual([1, 2, 10].map((attempt) => `${stamp.version}.${attempt}`))
    expect(await all.list()).toHaveLength(4)
  })

  it('changes one by what it is at that moment, whoever changes it meanwhile', async () => {
    const stores = temporaryStores()
    const all = generations(stores.documents)
    const { id } = await begun(stores)
    const count = (key: string) =>
      all.update(id, (present) => ({
        ...present,
        follow: { ...present.follow, [key]: (present.follow[key] ?? 0) + 1 },
      }))
    await Promise.all(Array.from({ length: 20 }, (_, i) => count(i % 2 === 0 ? 'even' : 'odd')))
    expect((await all.read(id))?.follow).toMatchObject({ even: 10, odd: 10 })
  })

  it('writes nothing where there is nothing to change', async () => {
    const stores = temporaryStores()
    const all = generations(stores.documents)
    const { id } = await begun(stores)
    const before = await stores.documents.read(`generations/${id}`)
    await all.update(id, () => undefined)
    expect(await stores.documents.read(`generations/${id}`)).toEqual(before)
    await expect(all.update('v9-0123456789ab.1', () => undefined)).rejects.toThrow(MissingError)
  })

  it('gives one another tag when it is touched, and leaves what it says', async () => {
    const stores = temporaryStores()
    const all = generations(stores.documents)
    const generation = await begun(stores)
    const before = (await stores.documents.read(`generations/${generation.id}`)) as Found
    await all.touch(generation.id)
    await all.touch('v9-0123456789ab.1') // there is none
    expect(await all.read(generation.id)).toEqual(generation)
    expect(await stores.documents.remove(`generations/${generation.id}`, before.tag)).toBe(false)
  })

  it('refuses a document that is malformed or of a newer format', async () => {
    const { documents } = temporaryStores()
    const all = generations(documents)
    const begun = await all.create(newGeneration(), 1)
    const store = (id: string, value: object) =>
      documents.create(`generations/${id}`, JSON.parse(JSON.stringify(value)))
    await store('v1-0123456789ab.2', { ...begun, state: 'odd' })
    await store('v1-0123456789ab.3', { ...begun, format: 2 })
    await expect(all.read('v1-0123456789ab.2')).rejects.toThrow(RegistryError)
    await expect(all.read('v1-0123456789ab.3')).rejects.toMatchObject({ reason: 'newer-format' })
  })
})
