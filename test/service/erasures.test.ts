import { describe, expect, it } from 'vitest'
import {
  erasedIds,
  isErased,
  noteErased,
  openErasures,
  readErasure,
  readErasures,
  requestErasure,
} from '../../lib/service/erasures.ts'
import { temporaryPipeline } from '../support/stores.ts'

const id = 'a'.repeat(64)
const other = 'b'.repeat(64)
const asked = { by: 'test', at: 1, why: 'asked' }

describe('erasures', () => {
  it('keep the first wish, and say that there was one', async () => {
    const { documents } = await temporaryPipeline()
    expect(await isErased(documents, id)).toBe(false)
    expect(await requestErasure(documents, id, asked)).toEqual({ wasAsked: false })
    expect(await requestErasure(documents, id, { ...asked, at: 2 })).toEqual({ wasAsked: true })
    expect(await readErasure(documents, id)).toEqual({ format: 1, ...asked, done: {} })
    expect([await isErased(documents, id), [...(await erasedIds(documents))]]).toEqual([true, [id]])
  })

  it('note who has acted, each partition of the index for itself, the first time', async () => {
    const { documents } = await temporaryPipeline()
    await requestErasure(documents, id, asked)
    await noteErased(documents, [id, other], { learn: 2 })
    await noteErased(documents, [id], { learn: 9, embed: { 'images.unlabeled/0': 3 } })
    await noteErased(documents, [id], { embed: { 'images.unlabeled/1': 4 } })
    await noteErased(documents, [id], { embed: { 'images.unlabeled/1': 9 } })
    await noteErased(documents, [id], { collection: 5 })
    expect((await readErasure(documents, id))?.done).toEqual({
      learn: 2,
      embed: { 'images.unlabeled/0': 3, 'images.unlabeled/1': 4 },
      collection: 5,
    })
    expect(await readErasure(documents, other)).toBeUndefined()
  })

  it('lose no note of those who note at the same time', async () => {
    const { documents } = await temporaryPipeline()
    await requestErasure(documents, id, asked)
    const partitions = Array.from({ length: 12 }, (_, n) => `images.unlabeled/${n}`)
    await Promise.all(partitions.map((one) => noteErased(documents, [id], { embed: { [one]: 1 } })))
    expect(Object.keys((await readErasure(documents, id))?.done.embed ?? {}).sort()).toEqual(
      [...partitions].sort(),
    )
  })

  it('are open until they are collected', async () => {
    const { documents } = await temporaryPipeline()
    const open = openErasures(documents)
    for (const one of [id, other]) await requestErasure(documents, one, asked)
    expect([...(await open()).keys()].sort()).toEqual([id, other])
    await noteErased(documents, [id], { collection: 5 })
    expect([...(await open()).keys()]).toEqual([other])
    expect([...(await open()).keys()]).toEqual([other])
    expect((await readErasures(documents, [id, other])).size).toBe(2)
  })
})
