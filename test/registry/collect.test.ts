import { describe, expect, it } from 'vitest'
import { LeaseLostError } from '../../lib/errors.ts'
import type { Saved } from '../../lib/learn/checkpoint.ts'
import { publish, releaseWithoutIndex } from '../../lib/learn/publish.ts'
import { collect, planCollection } from '../../lib/registry/collect.ts'
import { rollback } from '../../lib/registry/operator.ts'
import { openRegistry, type Registry } from '../../lib/registry/registry.ts'
import type { VersionEntry } from '../../lib/registry/versions.ts'
import { entered } from '../../lib/search/enter.ts'
import type { Generation } from '../../lib/search/generation.ts'
import { generations } from '../../lib/search/generations.ts'
import { sealRows } from '../../lib/search/seal.ts'
import {
  begun,
  filled,
  idsIn,
  idsOf,
  newGeneration,
  noLimits,
  partition,
  sealed,
} from '../search/generation-support.ts'
import {
  checkpointsOf,
  outletsOf,
  publicationAfter,
  stateAfter,
  stateAt,
} from '../support/learner.ts'
import { move, smallModel, storeModel } from '../support/models.ts'
import {
  failEveryCall,
  type Stores,
  type TemporaryStores,
  temporaryPipeline,
  temporaryStores,
} from '../support/stores.ts'

const day = 86_400_000
const held = { assertHeld: () => undefined }

const open = (stores: Stores): Registry => openRegistry({ ...stores, name: 'main' })

/** Versions 1 to `length`, each a day younger than the one before. */
async function versionsOf(stores: TemporaryStores, length: number): Promise<void> {
  for (let n = 1; n <= length; n += 1) {
    stores.wall.ms += day
    await storeModel(open(stores), smallModel(n))
  }
  stores.wall.ms += 2 * day
}

const numbers = async (stores: Stores): Promise<number[]> =>
  (await open(stores).versions.list()).map(({ version }) => Number(/\d+/.exec(version)?.[0]))

/** Everything that something names can be loaded. */
async function expectWhole(stores: Stores): Promise<void> {
  const registry = open(stores)
  for (const { version } of await registry.versions.list()) await registry.loadVersion(version)
  for (const channel of [registry.candidate, registry.stable]) {
    const state = await channel.read()
    if (state) await registry.loadVersion(state.version)
  }
  await checkpointsOf(stores, 99).load()
}

describe('collect', () => {
  it('keeps the newest versions, whatever their age', async () => {
    const stores = temporaryStores()
    await versionsOf(stores, 4)
    const gone = await collect(open(stores), held, { keep: 2 })
    expect(await numbers(stores)).toEqual([4, 3])
    expect(gone.documents.map(({ key }) => key)).toEqual(['versions/2', 'versions/1'])
    await expectWhole(stores)
  })

  it('removes the bytes that only they named, and no other', async () => {
    const stores = temporaryStores()
    await versionsOf(stores, 3)
    const gone = await collect(open(stores), held, { keep: 2 })
    expect(gone.blobs).toHaveLength(3) // the manifest and two files of v1
    expect(gone.blobs.every(({ space }) => space === 'models')).toBe(true)
  })

  it('keeps ten by default', async () => {
    const stores = temporaryStores()
    await versionsOf(stores, 11)
    await collect(open(stores), held)
    expect(await numbers(stores)).toEqual([11, 10, 9, 8, 7, 6, 5, 4, 3, 2])
  })

  it('keeps what channels name, and named before', async () => {
    const stores = temporaryStores()
    await versionsOf(stores, 6)
    const registry = open(stores)
    const entries = await registry.versions.list()
    const at = (n: number) => entries[6 - n] as (typeof entries)[number]
    await registry.stable.move(at(1), { move })
    await registry.stable.move(at(2), { move })
    await registry.candidate.move(at(3), { move })
    await collect(registry, held, { keep: 1 })
    expect(await numbers(stores)).toEqual([6, 3, 2, 1])
    await expectWhole(stores)
  })

  it('keeps what is younger than a day', async () => {
    const stores = temporaryStores()
    await versionsOf(stores, 2)
    await storeModel(open(stores), smallModel(3))
    await storeModel(open(stores), smallModel(4))
    await collect(open(stores), held, { keep: 1 })
    expect(await numbers(stores)).toEqual([4, 3])
  })

  it('keeps the version that an index generation is made with', async () => {
    const stores = temporaryStores()
    await versionsOf(stores, 3)
    await begun(stores, (await open(stores).versions.get(1))?.version)
    await collect(open(stores), held, { keep: 1 })
    expect(await numbers(stores)).toEqual([3, 1])
  })

  it('removes index generations that no channel leads to, and blocks that none has any more', async () => {
    const stores = temporaryStores()
    await versionsOf(stores, 4)
    const registry = open(stores)
    const all = generations(stores.documents)
    for (const n of [1, 2, 3, 4]) {
      const { version = '' } = (await registry.versions.get(n)) ?? {}
      const { id } = await filled(stores, n, version) // its blocks differ from the others'
      await all.update(id, (one) => ({ ...one, state: 'ready' }))
      const entry = await registry.versions.get(n)
      await registry.stable.move({ ...(entry as VersionEntry), generation: id }, { move })
    }
    const [last] = (await all.list()).slice(-1)
    const grown = await sealRows(stores.blobs, all, last as Generation, sealed(4, 6), noLimits)
    stores.wall.ms += 2 * day
    const gone = await collect(registry, held, { keep: 4 })
    expect((await all.list()).map(({ version }) => version.slice(0, 2))).toEqual(['v3', 'v4'])
    // One block each of v1 and v2, and the one of v4 that was written again.
    expect(gone.blobs.map(({ space }) => space)).toEqual(['index', 'index', 'index'])
    expect(await idsIn(stores, grown)).toEqual(idsOf(0, 6))
  })

  it('keeps a generation that was at work within a day, and what is to be embedded again', async () => {
    const stores = temporaryStores()
    await versionsOf(stores, 2)
    const registry = open(stores)
    const [v2, v1] = (await registry.versions.list()).map(({ version }) => version)
    const all = generations(stores.documents)
    const old = await filled(stores, 3, v1)
    await all.update(old.id, (one) => ({ ...one, state: 'ready' }))
    const { id } = await all.create(newGeneration(v2), 1)
    const start = { partition, next: 0, follow: 0 }
    const source = (await all.update(id, (one) => entered(one, old, start))).sources[0]
    await collect(registry, held)
    expect(await all.list()).toHaveLength(2)
    stores.wall.ms += 2 * day
    await collect(registry, held)
    expect((await all.list()).map(({ version }) => version)).toEqual([v2])
    expect(await stores.blobs.stat('index', source?.digest ?? '')).toBeDefined()
  })

  it('keeps a publish under way and the champion of a checkpoint', async () => {
    const stores = temporaryStores()
    await versionsOf(stores, 3)
    const registry = open(stores)
    const v1 = await registry.versions.get(1)
    const pending = { n: 2, manifest: (await registry.versions.get(2))?.manifest ?? '' }
    const model = { next: 4, champion: v1?.version ?? '' }
    await checkpointsOf(stores).replace(undefined, stateAt(1, { pending, model }))
    await collect(registry, held, { keep: 1 })
    expect(await numbers(stores)).toEqual([3, 2, 1])
  })

  it('keeps three checkpoints of each history, and the parts that they and a round name', async () => {
    const stores = temporaryStores()
    const checkpoints = checkpointsOf(stores)
    let saved = await checkpoints.replace(undefined, {
      ...stateAt(10),
      round: { number: 1, seed: 1 },
    })
    for (const applied of [20, 30, 40, 50]) {
      saved = await checkpoints.replace(
        saved,
        stateAfter(saved, applied, { round: saved.head.round }),
      )
    }
    stores.wall.ms += 2 * day
    const gone = await collect(open(stores), held)
    expect(gone.documents.map(({ key }) => key)).toEqual([
      'checkpoint/main/00000000000000000001',
      'checkpoint/main/00000000000000000002',
    ])
    expect(gone.blobs).toHaveLength(1) // `buffer` of 20; that of 10 is the round's
    const loaded = await checkpoints.load()
    expect(loaded?.round?.['buffer']?.json).toEqual({ applied: 10 })
  })

  it('leaves a copy alone that is about to become the head', async () => {
    const stores = temporaryStores()
    await checkpointsOf(stores).replace(undefined, stateAt(10))
    const key = 'checkpoint/main/00000000000000000002'
    await stores.documents.create(key, { format: 1 })
    expect((await planCollection(open(stores))).documents).toEqual([])
  })

  it('only says what it would remove when it plans', async () => {
    const stores = temporaryStores()
    await versionsOf(stores, 3)
    const plan = await planCollection(open(stores), { keep: 2 })
    expect(plan.documents.map(({ key }) => key)).toEqual(['versions/1'])
    expect(await numbers(stores)).toEqual([3, 2, 1])
  })

  it('takes no bytes of models while a manifest that stays cannot be read', async () => {
    const stores = temporaryStores()
    await versionsOf(stores, 3)
    const v3 = await open(stores).versions.get(3)
    await stores.blobs.delete('models', v3?.manifest ?? '', { olderThanMs: day })
    const gone = await collect(open(stores), held, { keep: 2 })
    expect(gone.unreadable).toEqual([v3?.version])
    expect(gone.blobs).toEqual([])
  })

  it('touches nothing when a document is newer than the program', async () => {
    const stores = temporaryStores()
    await versionsOf(stores, 3)
    await stores.documents.create('checkpoint/main/head', { format: 2 })
    await expect(collect(open(stores), held, { keep: 1 })).rejects.toThrow('format 1 or older')
    expect(await numbers(stores)).toEqual([3, 2, 1])
  })

  it('stops as soon as it no longer holds its lease', async () => {
    const stores = temporaryStores()
    await versionsOf(stores, 4)
    let asked = 0
    const lost = {
      assertHeld: () => {
        asked += 1
        if (asked > 1) throw new LeaseLostError('gone')
      },
    }
    await expect(collect(open(stores), lost, { keep: 1 })).rejects.toThrow(LeaseLostError)
    expect(await numbers(stores)).toEqual([4, 2, 1])
  })

  it('leaves whole what stays, wherever it dies', async () => {
    await failEveryCall(
      ['dies-before', 'dies-after'],
      async () => {
        const stores = temporaryStores()
        await versionsOf(stores, 3)
        await checkpointsOf(stores).replace(undefined, stateAt(10))
        return stores
      },
      (stores) => collect(open(stores), held, { keep: 2 }),
      async (stores) => {
        await expectWhole(stores)
        await collect(open(stores), held, { keep: 2 })
        await expectWhole(stores)
        const left = await planCollection(open(stores), { keep: 2 })
        expect(left).toEqual({ documents: [], blobs: [], unreadable: [] })
      },
    )
  })

  it('spares a version that somebody rolls back to at any moment of it', async () => {
    await atEveryMoment(
      (stores) => collect(open(stores), held, { keep: 2 }),
      (stores) => rollbackToFirst(stores),
    )
  })

  it('spares a version at any moment of a rollback to it', async () => {
    await atEveryMoment(
      (stores) => rollbackToFirst(stores),
      (stores) => collect(open(stores), held, { keep: 2 }),
    )
  })

  it('and a learner that publishes never harm each other', async () => {
    const stores = await temporaryPipeline()
    const out = outletsOf(stores.again())
    let saved: Saved = await out.checkpoints.replace(undefined, stateAt(1))
    for (let round = 1; round <= 30; round += 1) {
      const champion = (await out.registry.stable.read())?.version
      const publishing = (async () => {
        saved = await out.checkpoints.replace(saved, stateAfter(saved, round + 1))
        saved = (await publish(saved, publicationAfter(saved, champion), out)).saved
        await releaseWithoutIndex(out, { promotion: 'auto' })
      })()
      await Promise.all([publishing, collect(open(stores), held, { keep: 2 })])
      stores.wall.ms += day
    }
    await expectWhole(stores)
    expect((await numbers(stores)).length).toBeLessThan(6)
    expect((await out.registry.stable.read())?.seq).toBe(30)
  })
})

/** Goes back to v1, unless it is too late: then the version is gone, and stable what it was. */
async function rollbackToFirst(stores: Stores): Promise<void> {
  const back = rollback(open(stores), { by: 'ada', at: 1, why: 'worse', to: 'v1' })
  await back.catch((error: unknown) => {
    expect(error).toMatchObject({ code: expect.stringMatching(/MISSING|ARTIFACT/) })
  })
}

/** Interrupts `one` before its 1st, 2nd, … call by the whole of `other`. */
async function atEveryMoment(
  one: (stores: Stores) => Promise<unknown>,
  other: (stores: Stores) => Promise<unknown>,
): Promise<void> {
  for (let moment = 1; ; moment += 1) {
    const stores = temporaryStores()
    await versionsOf(stores, 3)
    const v3 = await open(stores).versions.get(3)
    if (v3) await open(stores).stable.move(v3, { move })
    let calls = 0
    const after =
      <A extends unknown[], R>(call: (...args: A) => Promise<R>) =>
      async (...args: A): Promise<R> => {
        calls += 1
        if (calls === moment) await other(stores)
        return call(...args)
      }
    const { documents, blobs } = stores
    await one({
      ...stores,
      documents: {
        read: after(documents.read),
        create: after(documents.create),
        swap: after(documents.swap),
        remove: after(documents.remove),
        list: after(documents.list),
      },
      blobs: {
        ...blobs,
        get: after(blobs.get),
        put: after(blobs.put),
        delete: after(blobs.delete),
      },
    })
    await expectWhole(stores)
    if (calls < moment) break
  }
}
