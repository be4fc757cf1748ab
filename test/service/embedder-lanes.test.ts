import { afterEach, describe, expect, it } from 'vitest'
import type { Generation } from '../../lib/search/generation.ts'
import { generations } from '../../lib/search/generations.ts'
import type { InRecord, Partition, StreamPort, Subscription } from '../../lib/stream/types.ts'
import '../support/engine.ts'
import { type Stores, temporaryPipeline } from '../support/stores.ts'
import {
  contentOf,
  type Embedding,
  embedderOn,
  pictureIds,
  publishBaseline,
  sendPictures,
} from './embedder-support.ts'

const partition: Partition = 'images.unlabeled/0'

/** Stores whose stream hands its subscription to the test, which delivers by hand. */
interface ByHand {
  readonly stores: Stores
  readonly embedding: Embedding
  /** The subscription of the embedder. */
  subscription(): Subscription
  /** First record that the log still has. */
  readonly marks: { low: number }
  /** Progress that was reported. */
  readonly reported: number[]
  /** Hands over the records from `from` to before `to`. */
  deliver(from: number, to: number): Promise<void>
}

let one: Embedding | undefined
afterEach(async () => {
  await one?.embedder.stop().catch(() => undefined)
  one = undefined
})

async function byHand(pictures: number): Promise<ByHand> {
  const stores = await temporaryPipeline()
  await publishBaseline(stores)
  await sendPictures(stores, 0, pictures)
  const records = await recordsOf(stores, pictures)
  let subscription: Subscription | undefined
  const reported: number[] = []
  const marks = { low: 0 }
  const stream: StreamPort = {
    ...stores.stream,
    watermarks: async (topic) => {
      const found = await stores.stream.watermarks(topic)
      return topic === 'images.unlabeled' ? found.map((one) => ({ ...one, ...marks })) : found
    },
    subscribe: async (asked: Subscription) => {
      subscription = asked
      return {
        pause: () => undefined,
        resume: () => undefined,
        reportProgress: (_: Partition, next: number) => void reported.push(next),
        stop: async () => undefined,
      }
    },
  }
  const embedding = embedderOn({ ...stores, stream })
  one = embedding
  await embedding.embedder.tick()
  const asked = () => subscription as Subscription
  return {
    stores,
    embedding,
    marks,
    reported,
    subscription: asked,
    deliver: (from, to) =>
      asked().onBatch(
        { partition, records: records.slice(from, to), high: pictures },
        new AbortController().signal,
      ),
  }
}

async function recordsOf({ stream }: Stores, count: number): Promise<InRecord[]> {
  const records: InRecord[] = []
  const { promise: all, resolve } = Promise.withResolvers<void>()
  const consumption = await stream.subscribe({
    topics: ['images.unlabeled'],
    group: 'test',
    maxBatchBytes: 1 << 20,
    onAssign: async (partitions) => new Map(partitions.map((name) => [name, 'earliest'])),
    onRevoke: async () => undefined,
    onBatch: async (batch) => {
      records.push(...batch.records)
      if (records.length === count) resolve()
    },
    onFatal: () => resolve(),
  })
  await all
  await consumption.stop()
  return records
}

/** Pictures in the only generation. */
async function content(stores: Stores): Promise<string[]> {
  const [only] = await generations(stores.documents).list()
  return (await contentOf(stores, only as Generation)).ids.sort()
}

describe('the lanes of an embedder', () => {
  it('hand a partition back with everything sealed and reported', async () => {
    const { stores, reported, subscription, deliver } = await byHand(6)
    expect(await subscription().onAssign([partition])).toEqual(new Map([[partition, 0]]))
    await deliver(0, 4)
    await subscription().onRevoke([partition], 'revoked')
    expect(reported).toEqual([4])
    expect(await subscription().onAssign([partition])).toEqual(new Map([[partition, 4]]))
    await deliver(4, 6)
    await subscription().onRevoke([partition], 'revoked')
    expect(await content(stores)).toEqual(pictureIds(0, 6).sort())
  })

  it('take in again what was lost with a partition before it was sealed', async () => {
    const { stores, reported, subscription, deliver } = await byHand(6)
    await subscription().onAssign([partition])
    await deliver(0, 4)
    await subscription().onRevoke([partition], 'lost')
    expect(reported).toEqual([])
    expect(await subscription().onAssign([partition])).toEqual(new Map([[partition, 0]]))
    await deliver(0, 6)
    await subscription().onRevoke([partition], 'revoked')
    expect(await content(stores)).toEqual(pictureIds(0, 6).sort())
  })

  it('pass over records that are handed over again', async () => {
    const { stores, embedding, subscription, deliver } = await byHand(6)
    await subscription().onAssign([partition])
    await deliver(0, 4)
    await deliver(0, 6)
    expect(embedding.embedder.status).toMatchObject({ embedded: 6, duplicates: 0, lag: 0 })
    await subscription().onRevoke([partition], 'revoked')
    expect(await content(stores)).toEqual(pictureIds(0, 6).sort())
  })

  it('begin at the low mark, and say so, where records have left the log', async () => {
    const { embedding, marks, subscription, deliver } = await byHand(6)
    await subscription().onAssign([partition])
    await deliver(0, 2)
    await subscription().onRevoke([partition], 'revoked')
    marks.low = 5
    expect(await subscription().onAssign([partition])).toEqual(new Map([[partition, 5]]))
    expect(embedding.events.at(-1)).toEqual({
      event: 'note',
      text: 'images.unlabeled/0: records 2 to 4 left the log before they were embedded',
    })
  })

  it('ignore a batch of a partition that is no longer theirs', async () => {
    const { embedding, subscription, deliver } = await byHand(6)
    await subscription().onAssign([partition])
    await subscription().onRevoke([partition], 'lost')
    await deliver(0, 6)
    expect(embedding.embedder.status).toMatchObject({ embedded: 0, lag: undefined })
  })
})
