import { afterEach, describe, expect, it } from 'vitest'
import { readFound } from '../../lib/registry/document.ts'
import { failGeneration } from '../../lib/search/build-generation.ts'
import { generations } from '../../lib/search/generations.ts'
import { indexList } from '../../lib/service/index-list.ts'
import { planRebuild, rebuildIndex } from '../../lib/service/index-rebuild.ts'
import '../support/engine.ts'
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

/** After the embedder's clock. */
const later = 1_700_000_001_000

const running: Embedding[] = []
afterEach(async () => {
  for (const one of running.splice(0)) await one.embedder.stop()
})

/** Version 1 with an index of 20 pictures, sealed. */
async function indexed(): Promise<{ stores: Stores; one: Embedding; v1: string }> {
  const stores = await temporaryPipeline()
  const { version: v1 } = await publishBaseline(stores)
  await sendPictures(stores, 0, 20)
  const one = embedderOn(stores)
  running.push(one)
  await drive(one, () => one.embedder.status.embedded >= 20 && one.embedder.status.lag === 0)
  await one.clock.advance(300_000)
  await drive(one, async () => ((await servedGeneration(stores))?.blocks.length ?? 0) > 0)
  return { stores, one, v1 }
}

describe('rebuildIndex', () => {
  it('has embed make another index of all pictures, and put it into service', async () => {
    const { stores, one, v1 } = await indexed()
    const registry = registryOf(stores)
    const { generation, isUnderWay } = await rebuildIndex(registry, later)
    expect([generation.id, isUnderWay]).toEqual([`${v1}.2`, false])
    await drive(one, () => one.embedder.status.served?.id === `${v1}.2`)
    const served = await servedGeneration(stores)
    const { ids } = await contentOf(stores, served as never)
    expect(ids.sort()).toEqual(pictureIds(0, 20).sort())
    expect(await indexList(registry)).toMatchObject([
      { id: `${v1}.1`, isServed: false },
      { id: `${v1}.2`, isServed: true, vectors: 20, coverage: 1, recall: 1 },
    ])
  })

  it('begins no second one beside one that is under way', async () => {
    const { stores, v1 } = await indexed()
    const registry = registryOf(stores)
    await rebuildIndex(registry, later)
    const again = await rebuildIndex(registry, later + 1)
    expect([again.generation.id, again.isUnderWay]).toEqual([`${v1}.2`, true])
  })

  it('begins one more after one that failed, and uses no number again', async () => {
    const { stores, v1 } = await indexed()
    const registry = registryOf(stores)
    const { generation } = await rebuildIndex(registry, later)
    await failGeneration(generations(stores.documents), generation.id, 'too few')
    expect((await rebuildIndex(registry, later + 1)).generation.id).toBe(`${v1}.3`)
    expect((await indexList(registry))[1]).toMatchObject({ state: 'failed', reason: 'too few' })
  })

  it('uses the number of the index in service not again where its document is lost', async () => {
    const { stores, one, v1 } = await indexed()
    running.splice(0)
    await one.embedder.stop()
    const key = `generations/${v1}.1`
    const found = await readFound(stores.documents, key)
    expect(await stores.documents.remove(key, String(found?.tag))).toBe(true)
    expect((await rebuildIndex(registryOf(stores), later)).generation.id).toBe(`${v1}.2`)
  })

  it('has a candidate wait whose index is under way, and does not give it up', async () => {
    const { stores, one, v1 } = await indexed()
    const { version: v2 } = await publishCandidate(stores, 2)
    await one.embedder.tick()
    expect(one.embedder.status.building?.id).toBe(`${v2}.1`)
    await rebuildIndex(registryOf(stores), later)
    await drive(one, () => one.embedder.status.served?.id === `${v1}.2`)
    await drive(one, () => one.embedder.status.served?.id === `${v2}.1`)
  })

  it('says without a stable version that there is none', async () => {
    const stores = await temporaryPipeline()
    await expect(rebuildIndex(registryOf(stores), later)).rejects.toThrow(
      'expected a stable version',
    )
  })
})

describe('planRebuild', () => {
  it('counts pictures and bytes of the index in service, and changes nothing', async () => {
    const { stores, v1 } = await indexed()
    const registry = registryOf(stores)
    const plan = await planRebuild(registry)
    let bytes = 0
    for (const { digest } of plan.served?.blocks ?? []) {
      bytes += (await stores.blobs.stat('index', digest))?.bytes ?? 0
    }
    expect(plan).toMatchObject({ version: v1, vectors: 20, bytes })
    expect(await indexList(registry)).toMatchObject([{ id: `${v1}.1`, bytes, isServed: true }])
  })
})
