import { afterEach, describe, expect, it } from 'vitest'
import { ArtifactError } from '../../lib/errors.ts'
import { approve, promote, rollback } from '../../lib/registry/operator.ts'
import { beginAgain } from '../../lib/search/build-generation.ts'
import type { Generation } from '../../lib/search/generation.ts'
import { generations } from '../../lib/search/generations.ts'
import type { EmbedderOptions, EmbedderParts } from '../../lib/service/embedder-parts.ts'
import '../support/engine.ts'
import { type Stores, temporaryPipeline } from '../support/stores.ts'
import {
  contentOf,
  drive,
  type Embedding,
  embedderOn,
  openVersion,
  pictureId,
  pictureIds,
  publishBaseline,
  publishCandidate,
  registryOf,
  sendPictures,
  sentVectors,
  servedGeneration,
} from './embedder-support.ts'

const running: Embedding[] = []
afterEach(async () => {
  for (const one of running.splice(0)) await one.embedder.stop()
})

function begin(
  stores: Stores,
  options: EmbedderOptions = {},
  changes: Partial<EmbedderParts> = {},
): Embedding {
  const one = embedderOn(stores, options, changes)
  running.push(one)
  return one
}
async function end(one: Embedding): Promise<void> {
  running.splice(running.indexOf(one), 1)
  await one.embedder.stop()
}

const isTakenIn = (stores: Stores, one: Embedding, records: number) => async () => {
  const [mark] = await stores.stream.watermarks('images.embedded')
  return (mark?.high ?? 0) >= records && one.embedder.status.lag === 0
}
const stableVersion = async (stores: Stores) => (await registryOf(stores).stable.read())?.version

/** Version 1 with an index of 20 pictures. */
async function indexed(): Promise<{ stores: Stores; one: Embedding; v1: string }> {
  const stores = await temporaryPipeline()
  const { version: v1 } = await publishBaseline(stores)
  await sendPictures(stores, 0, 20)
  const one = begin(stores)
  await drive(one, isTakenIn(stores, one, 20))
  return { stores, one, v1 }
}

describe('embedder', () => {
  it('does nothing before a version is published', async () => {
    const stores = await temporaryPipeline()
    const one = begin(stores)
    await one.embedder.tick()
    expect(one.embedder.status).toMatchObject({ served: undefined, building: undefined })
  })

  it('gives the version in service an index at once, and fills it with what comes', async () => {
    const { stores, one, v1 } = await indexed()
    expect(await registryOf(stores).stable.read()).toMatchObject({
      version: v1,
      generation: `${v1}.1`,
    })
    await end(one) // seals
    const generation = await servedGeneration(stores)
    const { ids, areOwn } = await contentOf(stores, generation as never)
    expect(ids.sort()).toEqual(pictureIds(0, 20).sort())
    expect(areOwn).toBe(true)
    expect(generation?.next).toEqual({ 'images.unlabeled/0': 20 })
    const sent = await sentVectors(stores)
    expect(sent.map(({ id }) => id)).toEqual(pictureIds(0, 20))
    expect(new Set(sent.map(({ model }) => model))).toEqual(new Set([v1]))
  })

  it('seals after a while, and by then commits', async () => {
    const { stores, one } = await indexed()
    await drive(one, () => one.embedder.status.served !== undefined) // the release seals, too
    await sendPictures(stores, 20, 25)
    await drive(one, isTakenIn(stores, one, 25))
    expect((await servedGeneration(stores))?.blocks).toMatchObject([{ rows: 20 }])
    await one.clock.advance(300_000)
    await one.embedder.tick()
    expect((await servedGeneration(stores))?.blocks).toMatchObject([{ rows: 25 }])
  })

  it('goes on where the last block ends after it was killed', async () => {
    const { stores, one } = await indexed()
    await one.clock.advance(300_000)
    await one.embedder.tick()
    await sendPictures(stores, 20, 30)
    await end(one)
    const next = begin(stores)
    await drive(next, isTakenIn(stores, next, 30))
    await end(next)
    const { ids } = await contentOf(stores, (await servedGeneration(stores)) as never)
    expect(ids.sort()).toEqual(pictureIds(0, 30).sort())
    expect(await sentVectors(stores)).toHaveLength(30)
  })

  it('takes a picture once, however often it is sent', async () => {
    const { stores, one } = await indexed()
    await sendPictures(stores, 10, 25)
    await drive(one, isTakenIn(stores, one, 25))
    expect(one.embedder.status).toMatchObject({ embedded: 25, duplicates: 10 })
  })

  it('sets a bad record aside and goes on', async () => {
    const { stores, one } = await indexed()
    const value = new TextEncoder().encode('neither a picture nor an envelope')
    await stores.stream.send('images.unlabeled', [{ value }], { deadlineMs: 5_000 })
    await sendPictures(stores, 20, 21)
    await drive(one, isTakenIn(stores, one, 21))
    expect(one.embedder.status.quarantined).toBe(1)
    expect((await stores.stream.watermarks('images.dead'))[0]?.high).toBe(1)
  })

  it('releases a candidate with an index of all pictures, by one move', async () => {
    const { stores, one, v1 } = await indexed()
    const { version: v2 } = await publishCandidate(stores, 2)
    await drive(one, async () => (await stableVersion(stores)) === v2)
    const stable = await registryOf(stores).stable.read()
    expect(stable).toMatchObject({
      generation: `${v2}.1`,
      previous: { version: v1, generation: `${v1}.1` },
      move: { by: 'embed-1', why: 'better' },
    })
    const generation = await servedGeneration(stores)
    expect(generation).toMatchObject({ state: 'ready', coverage: 1, recall: 1 })
    const { ids, areOwn } = await contentOf(stores, generation as never)
    expect(ids.sort()).toEqual(pictureIds(0, 20).sort())
    expect(areOwn).toBe(true)
    expect(one.events.at(-1)).toMatchObject({ event: 'released', version: v2, vectors: 20 })
    await one.embedder.tick()
    expect(one.closed).toEqual([v1])
  })

  it('says how much it has still to embed again', async () => {
    const { stores, one } = await indexed()
    expect(one.embedder.status.backlog).toBe(0)
    await publishCandidate(stores, 2)
    await one.embedder.tick()
    expect(one.embedder.status.backlog).toBe(1)
    await one.embedder.backfillOne()
    expect(one.embedder.status.backlog).toBe(0)
  })

  it('embeds newcomers by both models while it builds, and loses none of them', async () => {
    const { stores, one, v1 } = await indexed()
    const { version: v2 } = await publishCandidate(stores, 2)
    await one.embedder.tick() // the new generation enters
    await sendPictures(stores, 20, 30)
    await drive(one, async () => (await stableVersion(stores)) === v2)
    await drive(one, isTakenIn(stores, one, 20 + 20 + 20))
    await end(one)
    const { ids } = await contentOf(stores, (await servedGeneration(stores)) as never)
    expect(ids.sort()).toEqual(pictureIds(0, 30).sort())
    const of = (version: string, sent: Awaited<ReturnType<typeof sentVectors>>) =>
      sent.filter(({ model }) => model === version).map(({ id }) => id)
    const sent = await sentVectors(stores)
    expect(of(v1, sent)).toEqual(pictureIds(0, 30))
    expect(of(v2, sent).sort()).toEqual(pictureIds(0, 30).sort())
  })

  it('waits for somebody to approve it where promotion is left to people', async () => {
    const { stores, one, v1 } = await indexed()
    await end(one)
    const manual = begin(stores, { promotion: 'manual' })
    const { version: v2 } = await publishCandidate(stores, 2)
    const all = generations(stores.documents)
    await drive(manual, async () => (await all.read(`${v2}.1`))?.state === 'ready')
    await manual.embedder.tick()
    expect(await stableVersion(stores)).toBe(v1)
    await approve(registryOf(stores), v2, { by: 'ada', at: 2, why: 'good' })
    await drive(manual, async () => (await stableVersion(stores)) === v2)
    expect((await registryOf(stores).stable.read())?.generation).toBe(`${v2}.1`)
  })

  it('leaves stable alone when pictures are missing, and says why', async () => {
    const { stores, one, v1 } = await indexed()
    for (const id of pictureIds(0, 2)) {
      await stores.blobs.delete('pictures', id, { olderThanMs: 0 })
    }
    const { version: v2 } = await publishCandidate(stores, 2)
    const all = generations(stores.documents)
    await drive(one, async () => (await all.read(`${v2}.1`))?.state === 'failed')
    expect(await all.read(`${v2}.1`)).toMatchObject({ coverage: 0.9 })
    expect(one.events.at(-1)).toMatchObject({
      event: 'generation',
      state: 'failed',
      reason: 'expected 99.0 % of the pictures, got 90.0 %: 2 are missing or do not decode',
    })
    await sendPictures(stores, 20, 22)
    await drive(one, isTakenIn(stores, one, 20 + 18 + 2))
    expect(await stableVersion(stores)).toBe(v1)
    expect(one.embedder.status.building).toBeUndefined()
  })

  it('gives a candidate up that another one has replaced', async () => {
    const { stores, one } = await indexed()
    const { version: v2 } = await publishCandidate(stores, 2)
    await one.embedder.tick()
    const { version: v3 } = await publishCandidate(stores, 3)
    await drive(one, async () => (await stableVersion(stores)) === v3)
    const abandoned = await generations(stores.documents).read(`${v2}.1`)
    expect(abandoned).toMatchObject({ state: 'failed', reason: /nobody waits for it/ })
  })

  it('brings the old index up to date after a rollback, and leaves it pinned', async () => {
    const { stores, one, v1 } = await indexed()
    const { version: v2 } = await publishCandidate(stores, 2)
    await drive(one, () => one.embedder.status.served?.id === `${v2}.1`)
    await sendPictures(stores, 20, 30) // only the new model sees them
    await drive(one, isTakenIn(stores, one, 20 + 20 + 10))
    await rollback(registryOf(stores), { by: 'ada', at: 3, why: 'worse' })
    await drive(one, async () => {
      const generation = await servedGeneration(stores)
      return generation?.version === v1 && generation.sources.length > 0
        ? generation.sources.every(({ done }) => done)
        : false
    })
    await sendPictures(stores, 30, 33)
    await drive(one, isTakenIn(stores, one, 20 + 20 + 10 + 10 + 3))
    await end(one)
    const generation = await servedGeneration(stores)
    const { ids, areOwn } = await contentOf(stores, generation as never)
    expect(ids.sort()).toEqual(pictureIds(0, 33).sort())
    expect(areOwn).toBe(true)
    expect(await registryOf(stores).stable.read()).toMatchObject({ version: v1, pinned: true })
  })

  it('builds an index for a candidate while stable is pinned, and has it ready', async () => {
    const { stores, one, v1 } = await indexed()
    const registry = registryOf(stores)
    await registry.stable.move((await registry.stable.read()) as never, {
      move: { by: 'ada', at: 2, why: 'stay' },
      pinned: true,
    })
    const { version: v2 } = await publishCandidate(stores, 2)
    const all = generations(stores.documents)
    await drive(one, async () => (await all.read(`${v2}.1`))?.state === 'ready')
    await one.embedder.tick()
    expect(await stableVersion(stores)).toBe(v1)
    await promote(registry, v2, { by: 'ada', at: 3, why: 'now', generation: `${v2}.1` })
    await drive(one, () => one.embedder.status.served?.id === `${v2}.1`)
  })

  it('builds the index of a version that was promoted without one', async () => {
    const { stores, one } = await indexed()
    const { version: v2 } = await publishCandidate(stores, 2)
    await promote(registryOf(stores), v2, { by: 'ada', at: 3, why: 'now' })
    await drive(one, async () => (await servedGeneration(stores))?.version === v2)
    const { ids } = await contentOf(stores, (await servedGeneration(stores)) as never)
    expect(ids.sort()).toEqual(pictureIds(0, 20).sort())
  })

  it('builds another index of the version in service when somebody asks for one', async () => {
    const { stores, one, v1 } = await indexed()
    const all = generations(stores.documents)
    const first = await all.read(`${v1}.1`)
    await beginAgain(all, { ...(first as Generation), at: 9 })
    await drive(one, () => one.embedder.status.served?.id === `${v1}.2`)
    await end(one)
    const generation = await servedGeneration(stores)
    expect(generation?.id).toBe(`${v1}.2`)
    const { ids } = await contentOf(stores, generation as Generation)
    expect(ids.sort()).toEqual(pictureIds(0, 20).sort())
    expect((await registryOf(stores).stable.read())?.previous).toBeUndefined()
  })

  it('gives a candidate up whose model does not load, and embeds on', async () => {
    const { stores, one, v1 } = await indexed()
    await end(one)
    const open: EmbedderParts['open'] = async ({ version }) => {
      if (version === v1) return openVersion(version)
      throw new ArtifactError(`${version}: damaged`)
    }
    const next = begin(stores, {}, { open })
    const { version: v2 } = await publishCandidate(stores, 2)
    await sendPictures(stores, 20, 22)
    await drive(next, isTakenIn(stores, next, 22))
    await drive(next, () => next.events.some(({ event }) => event === 'generation'))
    expect(next.events.at(-1)).toMatchObject({ state: 'failed', reason: `${v2}: damaged` })
    expect(await stableVersion(stores)).toBe(v1)
  })

  it('takes out at its start what was erased while it was away', async () => {
    const { stores, one } = await indexed()
    await end(one)
    const next = begin(stores, {}, { erased: async () => new Set([pictureId(5)]) })
    await drive(next, () => next.embedder.status.lag === 0)
    const { ids } = await contentOf(stores, (await servedGeneration(stores)) as Generation)
    expect(ids.sort()).toEqual(
      pictureIds(0, 20)
        .filter((id) => id !== pictureId(5))
        .sort(),
    )
  })

  it('takes erased pictures out of every block, and in no more', async () => {
    const stores = await temporaryPipeline()
    await publishBaseline(stores)
    await sendPictures(stores, 0, 10)
    const erased = new Set<string>()
    const one = begin(stores, {}, { erased: async () => new Set(erased) })
    await drive(one, isTakenIn(stores, one, 10))
    await one.clock.advance(300_000)
    await one.embedder.tick()
    erased.add(pictureId(3)).add(pictureId(12))
    await sendPictures(stores, 10, 15)
    await drive(one, isTakenIn(stores, one, 15))
    erased.add(pictureId(14))
    await one.clock.advance(30_000)
    await one.embedder.tick()
    await end(one)
    const { ids } = await contentOf(stores, (await servedGeneration(stores)) as never)
    const left = pictureIds(0, 15).filter((id) => !erased.has(id))
    expect(ids.sort()).toEqual(left.sort())
  })

  it('works by itself once it is started', async () => {
    const stores = await temporaryPipeline()
    const { version: v1 } = await publishBaseline(stores)
    const one = begin(stores)
    one.embedder.start()
    await expect.poll(() => one.embedder.status.served?.id, { timeout: 10_000 }).toBeUndefined()
    await one.clock.advance(1_000)
    await expect
      .poll(
        async () => {
          await one.clock.advance(1_000)
          return one.embedder.status.served?.id
        },
        { timeout: 10_000 },
      )
      .toBe(`${v1}.1`)
  })
})
