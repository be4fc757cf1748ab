import { expect, it } from 'vitest'
import { StreamError } from '../../lib/errors.ts'
import '../support/engine.ts'
import {
  failEveryCall,
  type Stores,
  type TemporaryStores,
  temporaryPipeline,
} from '../support/stores.ts'
import {
  contentOf,
  drive,
  embedderOn,
  pictureIds,
  publishBaseline,
  publishCandidate,
  registryOf,
  sendPictures,
  sentVectors,
  servedGeneration,
} from './embedder-support.ts'

const pictures = 12
let intact: TemporaryStores

/** A candidate waits for its index; half of the pictures are sealed in that of version 1. */
async function prepared(): Promise<TemporaryStores> {
  const stores = await temporaryPipeline()
  await publishBaseline(stores)
  await sendPictures(stores, 0, pictures / 2)
  const one = embedderOn(stores)
  await drive(one, async () => (await sentVectors(stores)).length === pictures / 2)
  await one.embedder.stop()
  await publishCandidate(stores, 2)
  await sendPictures(stores, pictures / 2, pictures)
  intact = stores
  return stores
}

/** Of these ports only writing fails: reading changes nothing. */
function failingToWrite({ documents, blobs, stream }: Stores): Stores {
  const { create, swap } = documents
  return {
    documents: { ...intact.documents, create, swap },
    blobs: { ...intact.blobs, put: blobs.put },
    stream: { ...intact.stream, send: stream.send },
  }
}

const isReleased = (stores: Stores) => async () =>
  (await registryOf(stores).stable.read())?.version.startsWith('v2-') ?? false

/** Works until version 2 is released and everything is taken in; a kill ends it on the spot. */
async function release(stores: Stores): Promise<void> {
  const one = embedderOn(stores)
  try {
    await drive(one, isReleased(stores))
    await drive(
      one,
      () => one.embedder.status.lag === 0 && one.embedder.status.building === undefined,
    )
    await one.embedder.stop()
  } catch (error) {
    await one.embedder.stop().catch(() => undefined)
    // What its own handlers throw, the stream hands back in words of its own.
    throw error instanceof StreamError && error.cause !== undefined ? error.cause : error
  }
}

it('releases model and index together, with every picture, whatever write is the last', async () => {
  const calls = await failEveryCall(
    ['dies-before', 'dies-after', 'answer-lost'],
    prepared,
    (stores) => release(failingToWrite(stores)),
    async (stores) => {
      const before = await registryOf(stores).stable.read()
      if (before?.version.startsWith('v2-')) expect(before.generation).toBe(`${before.version}.1`)
      await release(stores)
      const generation = await servedGeneration(stores)
      expect(generation).toMatchObject({ state: 'ready', coverage: 1, recall: 1 })
      const { ids, areOwn } = await contentOf(stores, generation as never)
      expect(ids.sort()).toEqual(pictureIds(0, pictures).sort())
      expect(areOwn).toBe(true)
      const states = await registryOf(stores).audit.moves('stable')
      expect(states.map(({ seq }) => seq)).toEqual([1, 2, 3])
      const named = states.map(({ version, generation: id }) => [
        version.slice(0, 2),
        id !== undefined,
      ])
      expect(named).toEqual([
        ['v1', false],
        ['v1', true],
        ['v2', true],
      ])
      const sent = await sentVectors(stores)
      const ofNew = sent.filter(({ model }) => model?.startsWith('v2-')).map(({ id }) => id)
      expect(new Set(ofNew)).toEqual(new Set(pictureIds(0, pictures)))
    },
  )
  expect(calls).toBeGreaterThan(10)
}, 300_000)
