import { describe, expect, it } from 'vitest'
import { ArtifactError, ConflictError, MissingError } from '../../lib/errors.ts'
import { approve, type ByHand, promote, rollback } from '../../lib/registry/operator.ts'
import { openRegistry, type Registry } from '../../lib/registry/registry.ts'
import type { VersionEntry } from '../../lib/registry/versions.ts'
import { generations } from '../../lib/search/generations.ts'
import { newGeneration } from '../search/generation-support.ts'
import { move, smallModel, storeModel } from '../support/models.ts'
import {
  failEveryCall,
  type Stores,
  type TemporaryStores,
  temporaryStores,
} from '../support/stores.ts'

const hand: ByHand = { by: 'ada', at: 9, why: 'it looks worse' }

const open = (stores: Stores): Registry => openRegistry({ ...stores, name: 'main' })

/** v1, then v2 with generation g2, then v3 with g3 are stable. */
async function threeReleases(stores: TemporaryStores = temporaryStores()): Promise<{
  registry: Registry
  entries: [VersionEntry, VersionEntry, VersionEntry]
  stores: TemporaryStores
}> {
  const registry = open(stores)
  const v1 = await storeModel(registry, smallModel(1))
  const v2 = await storeModel(registry, smallModel(2))
  const v3 = await storeModel(registry, smallModel(3))
  await registry.stable.move(v1, { move })
  await registry.stable.move({ ...v2, generation: 'g2' }, { move })
  await registry.stable.move({ ...v3, generation: 'g3' }, { move })
  return { registry, entries: [v1, v2, v3], stores }
}

describe('rollback', () => {
  it('goes back to what was stable before, model and index, pinned, with its reason', async () => {
    const { registry, entries } = await threeReleases()
    const state = await rollback(registry, hand)
    expect(state).toMatchObject({ version: entries[1].version, generation: 'g2', pinned: true })
    expect(state.previous).toMatchObject({ version: entries[2].version, generation: 'g3' })
    expect((await registry.audit.moves('stable')).at(-1)?.move).toEqual({
      by: 'ada',
      at: 9,
      why: 'it looks worse',
    })
  })

  it('goes back to a version that is named, without another one’s index', async () => {
    const { registry, entries } = await threeReleases()
    const state = await rollback(registry, { ...hand, to: 'v1' })
    expect(state.version).toBe(entries[0].version)
    expect(state.generation).toBeUndefined()
  })

  it('goes back to a version that is named with its newest index that is ready', async () => {
    const { registry, entries, stores } = await threeReleases()
    const all = generations(stores.documents)
    for (const attempt of [1, 2, 3]) {
      const { id } = await all.create(newGeneration(entries[0].version), attempt)
      if (attempt < 3) await all.update(id, (one) => ({ ...one, state: 'ready' }))
    }
    const state = await rollback(registry, { ...hand, to: 'v1' })
    expect(state.generation).toBe(`${entries[0].version}.2`)
  })

  it('does not go forward again when it is repeated', async () => {
    const { registry, entries } = await threeReleases()
    await rollback(registry, hand)
    await expect(rollback(registry, hand)).rejects.toThrow(MissingError)
    expect((await registry.stable.read())?.version).toBe(entries[1].version)
  })

  it('has nowhere to go without a previous release', async () => {
    await expect(rollback(open(temporaryStores()), hand)).rejects.toThrow(MissingError)
  })

  it('refuses when stable is not what the asker expects', async () => {
    const { registry, entries } = await threeReleases()
    const asked = rollback(registry, { ...hand, expects: entries[0].version })
    await expect(asked).rejects.toThrow(ConflictError)
    expect((await registry.stable.read())?.version).toBe(entries[2].version)
  })

  it('refuses when somebody moves stable meanwhile', async () => {
    const { registry, entries, stores } = await threeReleases()
    const racing = open({
      ...stores,
      documents: {
        ...stores.documents,
        async swap(...args) {
          await registry.stable.move(entries[0], { move })
          return stores.documents.swap(...args)
        },
      },
    })
    await expect(rollback(racing, hand)).rejects.toThrow(ConflictError)
    expect((await registry.stable.read())?.version).toBe(entries[0].version)
  })

  it('refuses a damaged version: what is stable stays', async () => {
    const { registry, entries, stores } = await threeReleases()
    stores.wall.ms += 10
    await stores.blobs.delete('models', entries[1].manifest, { olderThanMs: 1 })
    await expect(rollback(registry, hand)).rejects.toThrow(ArtifactError)
    expect((await registry.stable.read())?.version).toBe(entries[2].version)
  })

  it('leaves a stable that loads, wherever it dies', async () => {
    await failEveryCall(
      ['dies-before', 'dies-after', 'answer-lost'],
      async () => (await threeReleases()).stores,
      (stores) => rollback(open(stores), hand),
      async (stores) => {
        const registry = open(stores)
        const stable = await registry.stable.read()
        expect(stable?.version.slice(0, 2)).toMatch(/v[23]/)
        const loaded = await registry.loadVersion(stable?.version ?? '')
        expect(loaded.manifest.n).toBe(stable?.pinned ? 2 : 3)
      },
    )
  })
})

describe('promote', () => {
  it('moves stable to any version and lifts the pin', async () => {
    const { registry, entries } = await threeReleases()
    await rollback(registry, hand)
    const state = await promote(registry, 'v3', hand)
    expect(state).toMatchObject({ version: entries[2].version, pinned: false, seq: 5 })
  })

  it('lifts the pin of the version that is stable', async () => {
    const { registry, entries } = await threeReleases()
    await rollback(registry, hand)
    const state = await promote(registry, 'v2', hand)
    expect(state).toMatchObject({ version: entries[1].version, generation: 'g2', pinned: false })
    expect(state.previous?.version).toBe(entries[2].version)
  })

  it('knows no version that was not made', async () => {
    const { registry } = await threeReleases()
    await expect(promote(registry, 'v4', hand)).rejects.toThrow(MissingError)
  })
})

describe('approve', () => {
  it('marks the candidate, and only that', async () => {
    const { registry, entries } = await threeReleases()
    await registry.candidate.move(entries[2], { move })
    expect(await approve(registry, entries[1].version, hand)).toBeUndefined()
    const state = await approve(registry, entries[2].version, hand)
    expect(state).toMatchObject({ approved: true, version: entries[2].version })
    expect(await registry.stable.read()).toMatchObject({ approved: false })
  })
})
