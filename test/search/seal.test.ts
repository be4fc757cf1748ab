import { describe, expect, it } from 'vitest'
import { ConflictError } from '../../lib/errors.ts'
import { generations } from '../../lib/search/generations.ts'
import { loadBlock } from '../../lib/search/load-generation.ts'
import { blockOf, rowsOf, sealRows, withinLimits } from '../../lib/search/seal.ts'
import { failEveryCall, temporaryStores } from '../support/stores.ts'
import {
  begun,
  filled,
  idsIn,
  idsOf,
  noLimits,
  partition,
  pictureRows,
  sealed,
  stored,
} from './generation-support.ts'
import { idOf, stamp } from './support.ts'

describe('blockOf', () => {
  it('is undone by rowsOf, the oldest first, each picture once', () => {
    const rows = pictureRows(0, 5)
    const again = { ...(rows[2] as (typeof rows)[number]), at: 9_999 }
    expect(rowsOf(blockOf([...rows.toReversed(), again], 4))).toEqual(rows)
  })
})

describe('sealRows', () => {
  it('adds a block and moves both places by one swap', async () => {
    const stores = temporaryStores()
    const generation = await filled(stores, 3)
    expect(generation).toMatchObject({
      blocks: [{ rows: 3, partition, oldest: 1_000, newest: 1_002 }],
      next: { [partition]: 3 },
      follow: { [partition]: 13 },
    })
    expect(await stored(stores, generation.id)).toEqual(generation)
    const [block] = generation.blocks
    const { ids, vectors } = await loadBlock(stores.blobs, generation, block as never)
    expect(ids).toEqual(idsOf(0, 3))
    expect(vectors.data).toEqual(Float32Array.from(pictureRows(0, 3).flatMap((r) => [...r.vector])))
  })

  it('writes the last block again until it is full, then begins another', async () => {
    const stores = temporaryStores()
    const all = generations(stores.documents)
    let generation = await filled(stores, 5_000)
    generation = await sealRows(stores.blobs, all, generation, sealed(5_000, 8_000), noLimits)
    expect(generation.blocks.map(({ rows }) => rows)).toEqual([8_000])
    generation = await sealRows(stores.blobs, all, generation, sealed(8_000, 9_000), noLimits)
    expect(generation.blocks.map(({ rows }) => rows)).toEqual([8_192, 808])
    expect(await idsIn(stores, generation)).toEqual(idsOf(0, 9_000))
  })

  it('moves on over records that brought no picture', async () => {
    const stores = temporaryStores()
    const generation = await filled(stores, 3)
    const empty = { ...sealed(3, 3), to: 7 }
    const all = generations(stores.documents)
    const after = await sealRows(stores.blobs, all, generation, empty, noLimits)
    expect(after.blocks).toEqual(generation.blocks)
    expect(after.next).toEqual({ [partition]: 7 })
  })

  it('refuses records that somebody else has sealed', async () => {
    const stores = temporaryStores()
    const all = generations(stores.documents)
    const generation = await begun(stores)
    await sealRows(stores.blobs, all, generation, sealed(0, 2), noLimits)
    const late = sealRows(stores.blobs, all, generation, sealed(0, 3), noLimits)
    await expect(late).rejects.toThrow(ConflictError)
    expect((await stored(stores, generation.id)).next).toEqual({ [partition]: 2 })
  })

  it('may be killed at every call, and is repeated whole', async () => {
    const seal = async (stores: Parameters<typeof filled>[0]) => {
      const all = generations(stores.documents)
      const generation = await stored(stores, `${stamp.version}.1`)
      if (generation.next[partition] !== 3) return
      await sealRows(stores.blobs, all, generation, sealed(3, 6), noLimits)
    }
    const calls = await failEveryCall(
      ['dies-before', 'dies-after', 'answer-lost'],
      async () => {
        const stores = temporaryStores()
        await filled(stores, 3)
        return stores
      },
      seal,
      async (stores) => {
        await seal(stores)
        const generation = await stored(stores, `${stamp.version}.1`)
        expect(generation.next).toEqual({ [partition]: 6 })
        expect(await idsIn(stores, generation)).toEqual(idsOf(0, 6))
      },
    )
    expect(calls).toBeGreaterThan(3)
  })

  it('takes its own swap, whose answer was lost, for what it is', async () => {
    const stores = temporaryStores()
    const all = generations(stores.documents)
    const before = await filled(stores, 3)
    const first = await sealRows(stores.blobs, all, before, sealed(3, 6), noLimits)
    expect(await sealRows(stores.blobs, all, before, sealed(3, 6), noLimits)).toEqual(first)
  })
})

describe('withinLimits', () => {
  const blocks = [3, 1, 2].map((time) => ({
    digest: idOf(time),
    rows: 10,
    partition,
    oldest: time * 10,
    newest: time * 10 + 9,
  }))
  const times = (limits: Parameters<typeof withinLimits>[1]) =>
    withinLimits(blocks, limits).map(({ oldest }) => oldest)

  it('lets the oldest blocks leave that the rest does without', () => {
    expect(times({ maxVectors: 30, expiresBefore: 0 })).toEqual([30, 10, 20])
    expect(times({ maxVectors: 21, expiresBefore: 0 })).toEqual([30, 10, 20])
    expect(times({ maxVectors: 20, expiresBefore: 0 })).toEqual([30, 20])
    expect(times({ maxVectors: 1, expiresBefore: 0 })).toEqual([30])
  })

  it('lets blocks leave of which every picture is too old', () => {
    expect(times({ maxVectors: 100, expiresBefore: 19 })).toEqual([30, 10, 20])
    expect(times({ maxVectors: 100, expiresBefore: 20 })).toEqual([30, 20])
  })
})
