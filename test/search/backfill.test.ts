import { describe, expect, it } from 'vitest'
import { type BackfillParts, backfill } from '../../lib/search/backfill.ts'
import { entered } from '../../lib/search/enter.ts'
import { coverageOf, type Generation } from '../../lib/search/generation.ts'
import { generations } from '../../lib/search/generations.ts'
import {
  failEveryCall,
  type Stores,
  type TemporaryStores,
  temporaryStores,
} from '../support/stores.ts'
import {
  begun,
  filled,
  idsIn,
  idsOf,
  newGeneration,
  partition,
  stored,
} from './generation-support.ts'
import { idOf, rowOf, unitRows } from './support.ts'

const newer = 'v2-0123456789ab'

/** A second generation whose source is the block of a first one, of pictures 0 to 199. */
async function withSource(): Promise<{ stores: TemporaryStores; generation: Generation }> {
  const stores = temporaryStores()
  const first = await filled(stores, 200)
  const all = generations(stores.documents)
  const { id } = await all.create(newGeneration(newer), 1)
  const start = { partition, next: 0, follow: 0 }
  const generation = await all.update(id, (present) => entered(present, first, start))
  return { stores, generation }
}

function partsOf(stores: Stores, changes: Partial<BackfillParts> = {}): BackfillParts {
  return {
    blobs: stores.blobs,
    generations: generations(stores.documents),
    vectors: async (ids) => {
      const vectors = unitRows(ids.length, 4, 3)
      return ids.map((_, i) => rowOf(vectors, i))
    },
    isKnown: () => false,
    isErased: () => false,
    expiresBefore: 0,
    onChunk: async () => undefined,
    signal: new AbortController().signal,
    ...changes,
  }
}

const sourceOf = ({ sources }: Generation) => sources[0] as (typeof sources)[number]

describe('backfill', () => {
  it('makes a block of the pictures of its source, and ticks it off', async () => {
    const { stores, generation } = await withSource()
    const source = sourceOf(generation)
    const after = await backfill(generation, source, partsOf(stores))
    expect(after.sources).toEqual([{ ...source, done: { embedded: 200, gone: 0, missing: 0 } }])
    expect(after.blocks).toMatchObject([
      { rows: 200, partition, source: source.digest, oldest: 1_000, newest: 1_199 },
    ])
    expect(await idsIn(stores, after)).toEqual(idsOf(0, 200))
    expect(await stored(stores, generation.id)).toEqual(after)
  })

  it('leaves out what is erased, too old, missing or there already, and counts it', async () => {
    const { stores, generation } = await withSource()
    const missing = new Set(idsOf(100, 120))
    const parts = partsOf(stores, {
      isErased: (id) => idsOf(150, 155).includes(id),
      isKnown: (id) => id === idOf(160),
      expiresBefore: 1_010,
      vectors: async (ids) =>
        ids.map((id) => (missing.has(id) ? undefined : rowOf(unitRows(1, 4), 0))),
    })
    const after = await backfill(generation, sourceOf(generation), parts)
    expect(sourceOf(after).done).toEqual({ embedded: 165, gone: 15, missing: 20 })
    expect(coverageOf(after)).toBeCloseTo(165 / 185, 10)
    expect(await idsIn(stores, after)).toHaveLength(164)
  })

  it('counts all pictures as missing whose block is gone', async () => {
    const { stores, generation } = await withSource()
    const source = { ...sourceOf(generation), digest: 'e'.repeat(64) }
    const all = generations(stores.documents)
    const changed = await all.update(generation.id, (one) => ({ ...one, sources: [source] }))
    const after = await backfill(changed, source, partsOf(stores))
    expect(sourceOf(after).done).toEqual({ embedded: 0, gone: 0, missing: 200 })
    expect(after.blocks).toEqual([])
  })

  it('tells the rows of each chunk, and waits before the next', async () => {
    const { stores, generation } = await withSource()
    const told: number[] = []
    const parts = partsOf(stores, { onChunk: async (rows) => void told.push(rows.length) })
    await backfill(generation, sourceOf(generation), parts)
    expect(told).toEqual([64, 64, 64, 8])
  })

  it('drops work that somebody else has done meanwhile', async () => {
    const { stores, generation } = await withSource()
    const source = sourceOf(generation)
    const first = await backfill(generation, source, partsOf(stores))
    const other = partsOf(stores, { isErased: (id) => id === idOf(0) })
    expect(await backfill(generation, source, other)).toEqual(first)
  })

  it('stops when it is told to, and is begun again', async () => {
    const { stores, generation } = await withSource()
    const stop = new AbortController()
    const parts = partsOf(stores, {
      signal: stop.signal,
      onChunk: async () => stop.abort(new Error('stop')),
    })
    const source = sourceOf(generation)
    await expect(backfill(generation, source, parts)).rejects.toThrow('stop')
    expect(await stored(stores, generation.id)).toEqual(generation)
    expect((await backfill(generation, source, partsOf(stores))).blocks).toHaveLength(1)
  })

  it('may be killed at every call, and is repeated whole', async () => {
    const run = async (stores: Stores) => {
      const generation = await stored(stores, `${newer}.1`)
      const source = sourceOf(generation)
      if (!source.done) await backfill(generation, source, partsOf(stores))
    }
    await failEveryCall(
      ['dies-before', 'dies-after', 'answer-lost'],
      async () => (await withSource()).stores,
      run,
      async (stores) => {
        await run(stores)
        const after = await stored(stores, `${newer}.1`)
        expect(after.blocks).toHaveLength(1)
        expect(await idsIn(stores, after)).toEqual(idsOf(0, 200))
      },
    )
  })
})

it('is not begun by generations without sources', async () => {
  expect(coverageOf(await begun(temporaryStores()))).toBe(1)
})
