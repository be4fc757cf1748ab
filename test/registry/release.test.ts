import { describe, expect, it } from 'vitest'
import { LeaseLostError } from '../../lib/errors.ts'
import { rollback } from '../../lib/registry/operator.ts'
import { openRegistry, type Registry } from '../../lib/registry/registry.ts'
import {
  attachGeneration,
  type ReleaseOptions,
  releaseCandidate,
} from '../../lib/registry/release.ts'
import type { VersionEntry } from '../../lib/registry/versions.ts'
import { move, smallModel, storeModel } from '../support/models.ts'
import { temporaryStores } from '../support/stores.ts'

const auto: ReleaseOptions = { promotion: 'auto', by: 'learner', at: 5, fence: 1 }

/** v1 is stable and candidate; v2, gated against v1, is a candidate. */
async function twoVersions(): Promise<{ registry: Registry; v1: VersionEntry; v2: VersionEntry }> {
  const registry = openRegistry({ ...temporaryStores(), name: 'main' })
  const v1 = await storeModel(registry, smallModel(1))
  await registry.candidate.move(v1, { move })
  await releaseCandidate(registry, v1, auto)
  const v2 = await storeModel(registry, smallModel(2, { champion: v1.version }))
  await registry.candidate.move(v2, { move })
  return { registry, v1, v2 }
}

describe('releaseCandidate', () => {
  it('makes the first version the baseline', async () => {
    const registry = openRegistry({ ...temporaryStores(), name: 'main' })
    const v1 = await storeModel(registry, smallModel(1))
    await registry.candidate.move(v1, { move })
    expect(await releaseCandidate(registry, v1, auto)).toMatchObject({ released: true })
    expect((await registry.stable.read())?.move).toEqual({ by: 'learner', at: 5, why: 'baseline' })
  })

  it('moves on to a candidate that beat the champion, with the gate’s reason', async () => {
    const { registry, v1, v2 } = await twoVersions()
    await releaseCandidate(registry, v2, auto)
    const stable = await registry.stable.read()
    expect(stable).toMatchObject({ version: v2.version, seq: 2, previous: { version: v1.version } })
    const gate = { verdict: 'promote', reason: 'better', champion: v1.version }
    expect(stable?.move).toEqual({ by: 'learner', at: 5, why: 'better', gate })
  })

  it('does nothing the second time', async () => {
    const { registry, v2 } = await twoVersions()
    await releaseCandidate(registry, v2, auto)
    const again = await releaseCandidate(registry, v2, { ...auto, at: 9 })
    expect(again).toMatchObject({ released: true, state: { seq: 2, move: { at: 5 } } })
  })

  it('moves model and index generation together', async () => {
    const { registry, v2 } = await twoVersions()
    await releaseCandidate(registry, v2, { ...auto, generation: 'g2' })
    expect(await registry.stable.read()).toMatchObject({ version: v2.version, generation: 'g2' })
  })

  it('is void when the candidate has moved on', async () => {
    const { registry, v1, v2 } = await twoVersions()
    const v3 = await storeModel(registry, smallModel(3, { champion: v1.version }))
    await registry.candidate.move(v3, { move })
    const released = await releaseCandidate(registry, v2, auto)
    expect(released).toEqual({ released: false, why: 'superseded' })
  })

  it('is void when the champion has changed', async () => {
    const { registry, v1, v2 } = await twoVersions()
    await registry.stable.move(await storeModel(registry, smallModel(3)), { move })
    const released = await releaseCandidate(registry, v2, auto)
    expect(released).toEqual({ released: false, why: 'champion-changed' })
    expect((await registry.stable.read())?.previous?.version).toBe(v1.version)
  })

  it('is void for a baseline where something is stable already', async () => {
    const { registry } = await twoVersions()
    const v3 = await storeModel(registry, smallModel(3))
    await registry.candidate.move(v3, { move })
    const released = await releaseCandidate(registry, v3, auto)
    expect(released).toEqual({ released: false, why: 'champion-changed' })
  })

  it('is void while stable is pinned', async () => {
    const { registry, v1, v2 } = await twoVersions()
    await registry.stable.move(v1, { move, pinned: true })
    expect(await releaseCandidate(registry, v2, auto)).toEqual({ released: false, why: 'pinned' })
  })

  it('is void when somebody pins stable in the last moment', async () => {
    const stores = temporaryStores()
    const { documents } = stores
    const calm = openRegistry({ ...stores, name: 'main' })
    const v1 = await storeModel(calm, smallModel(1))
    await calm.candidate.move(v1, { move })
    await releaseCandidate(calm, v1, auto)
    const v2 = await storeModel(calm, smallModel(2, { champion: v1.version }))
    await calm.candidate.move(v2, { move })
    let isFirst = true
    const racing = openRegistry({
      ...stores,
      name: 'main',
      documents: {
        ...documents,
        async swap(...args) {
          if (isFirst) {
            isFirst = false
            await calm.stable.move(v1, { move, pinned: true })
          }
          return documents.swap(...args)
        },
      },
    })
    expect(await releaseCandidate(racing, v2, auto)).toEqual({ released: false, why: 'pinned' })
    expect(await calm.stable.read()).toMatchObject({ version: v1.version, pinned: true })
  })

  it('waits for approval where promotion is manual', async () => {
    const { registry, v2 } = await twoVersions()
    const manual: ReleaseOptions = { ...auto, promotion: 'manual' }
    const waits = { released: false, why: 'waits-for-approval' }
    expect(await releaseCandidate(registry, v2, manual)).toEqual(waits)
    await registry.candidate.move(v2, { move, approved: true })
    expect(await releaseCandidate(registry, v2, manual)).toMatchObject({ released: true })
  })

  it('fails for a learner that is fenced', async () => {
    const { registry, v2 } = await twoVersions()
    await registry.stable.adopt(4)
    await expect(releaseCandidate(registry, v2, auto)).rejects.toThrow(LeaseLostError)
  })
})

describe('attachGeneration', () => {
  const mover = { by: 'embed', at: 9 }

  it('gives the version in service its index, and leaves the way back as it was', async () => {
    const { registry, v1, v2 } = await twoVersions()
    await releaseCandidate(registry, v2, { ...auto, generation: 'g2' })
    await rollback(registry, { by: 'ada', at: 6, why: 'worse' })
    const state = await attachGeneration(registry, { ...v1, generation: 'g1' }, mover)
    expect(state).toMatchObject({
      version: v1.version,
      generation: 'g1',
      pinned: true,
      previous: { version: v2.version, generation: 'g2' },
      move: { by: 'embed', at: 9, why: 'its index is complete' },
    })
    const again = await attachGeneration(registry, { ...v1, generation: 'g1' }, mover)
    expect(again).toEqual(state)
  })

  it('does nothing once another version is in service', async () => {
    const { registry, v1, v2 } = await twoVersions()
    await releaseCandidate(registry, v2, auto)
    const before = await registry.stable.read()
    expect(await attachGeneration(registry, { ...v1, generation: 'g1' }, mover)).toBeUndefined()
    expect(await registry.stable.read()).toEqual(before)
  })
})
