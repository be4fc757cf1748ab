import { setImmediate } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { BusyError, ConflictError } from '../../lib/errors.ts'
import { rollback } from '../../lib/registry/operator.ts'
import { failGeneration } from '../../lib/search/build-generation.ts'
import { generations } from '../../lib/search/generations.ts'
import type { IndexWait } from '../../lib/service/await-index.ts'
import { promoteRelease } from '../../lib/service/move-release.ts'
import '../support/engine.ts'
import { smallModel, storeModel } from '../support/models.ts'
import { type Stores, temporaryPipeline } from '../support/stores.ts'
import {
  contentOf,
  drive,
  type Embedding,
  embedderOn,
  pictureIds,
  publishBaseline,
  publishCandidate,
  registryOf,
  sendPictures,
  servedGeneration,
} from './embedder-support.ts'

const running: Embedding[] = []
afterEach(async () => {
  for (const { embedder } of running.splice(0)) await embedder.stop()
})

const hand = { by: 'ada', at: 9, why: 'it looks better' }
/** Looks as often as it can. */
const wait: IndexWait = { clock: { now: () => 0, sleep: () => setImmediate() } }

/** Version 1 with an index of five pictures, and an embedder that is not started. */
async function indexed() {
  const stores = await temporaryPipeline()
  const { version: v1 } = await publishBaseline(stores)
  await sendPictures(stores, 0, 5)
  const one = embedderOn(stores)
  running.push(one)
  await drive(one, () => one.embedder.status.served !== undefined)
  return { stores, one, v1, registry: registryOf(stores) }
}

const stableMoves = async (stores: Stores) =>
  (await registryOf(stores).audit.moves('stable')).slice()

describe('promotion of a version without an index', () => {
  it('waits until one is made, and moves both at once', async () => {
    const { stores, one, registry } = await indexed()
    const { version } = await storeModel(registry, smallModel(2))
    const heard: string[] = []
    const promoted = promoteRelease(registry, 'v2', hand, {
      ...wait,
      tell: (text) => heard.push(text),
    })
    await drive(one, async () => (await registry.stable.read())?.version === version)
    expect(await promoted).toMatchObject({ version, generation: `${version}.1`, pinned: false })
    expect((await stableMoves(stores)).at(-1)).toMatchObject({
      version,
      generation: `${version}.1`,
    })
    const { ids } = await contentOf(stores, (await servedGeneration(stores)) as never)
    expect(ids.sort()).toEqual(pictureIds(0, 5).sort())
    expect(heard[0]).toContain('is not begun yet')
  })

  it('gives the place to the candidate again once its index is there', async () => {
    const { stores, one, registry } = await indexed()
    const { version } = await storeModel(registry, smallModel(7))
    await registry.stable.move((await registry.stable.read()) as never, {
      move: hand,
      pinned: true,
    })
    const { version: v8 } = await publishCandidate(stores, 8)
    await one.embedder.tick()
    const gone = promoteRelease(registry, version, hand, { ...wait, signal: AbortSignal.abort() })
    await expect(gone).rejects.toThrow(BusyError)
    const all = generations(stores.documents)
    await drive(one, async () => (await all.read(`${version}.1`))?.state === 'ready')
    await drive(one, async () => (await all.read(`${v8}.1`))?.state === 'ready')
    expect(one.embedder.status.building?.id).toBe(`${v8}.1`)
  })

  it('does not begin where another version is expected, and ends where its index failed', async () => {
    const { stores, registry } = await indexed()
    const { version, manifest } = await storeModel(registry, smallModel(2))
    const other = promoteRelease(registry, 'v2', { ...hand, expects: 'v9' }, wait)
    await expect(other).rejects.toThrow(ConflictError)
    const all = generations(stores.documents)
    expect(await all.list(version)).toEqual([])
    const begun = { version, manifest, preprocessing: 'p', dim: 4, at: 1 }
    const { id } = await all.create(begun, 1)
    await failGeneration(all, id, 'half of the pictures are missing')
    const failed = promoteRelease(registry, 'v2', hand, wait)
    await expect(failed).rejects.toThrow(/its last one failed: half of the pictures/)
  })

  it('says how far the index is to somebody who does not wait', async () => {
    const { registry } = await indexed()
    await storeModel(registry, smallModel(2))
    const asked = promoteRelease(registry, 'v2', hand, { ...wait, signal: AbortSignal.abort() })
    await expect(asked).rejects.toMatchObject({ code: 'BUSY', reason: 'index', retryable: true })
  })
})

it('promotes at once what has an index, and anything where nobody searches', async () => {
  const { stores, one, v1, registry } = await indexed()
  const { version: v2 } = await publishCandidate(stores, 2)
  await drive(one, () => one.embedder.status.served?.id === `${v2}.1`)
  await rollback(registry, hand)
  const state = await promoteRelease(registry, v2, hand, wait)
  expect(state).toMatchObject({ version: v2, generation: `${v2}.1`, pinned: false })
  expect(state.previous?.version).toBe(v1)

  const bare = await temporaryPipeline()
  await publishBaseline(bare)
  await storeModel(registryOf(bare), smallModel(2))
  const moved = await promoteRelease(registryOf(bare), 'v2', hand, wait)
  expect(moved.generation).toBeUndefined()
})
