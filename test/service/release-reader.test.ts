import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { EngineError } from '../../lib/errors.ts'
import { promote, rollback } from '../../lib/registry/operator.ts'
import { exactIndex } from '../../lib/search/exact-index.ts'
import { generations } from '../../lib/search/generations.ts'
import { blockOf, putBlock } from '../../lib/search/seal.ts'
import {
  type ReaderEvent,
  type ReleaseReader,
  type ReleaseReaderParts,
  releaseReader,
} from '../../lib/service/release-reader.ts'
import { floatBytes, type VersionModel } from '../../lib/service/version-model.ts'
import type { VersionThread } from '../../lib/service/version-thread.ts'
import type { DocumentStore } from '../../lib/store/types.ts'
import '../support/engine.ts'
import { flipByte } from '../store/local-harness.ts'
import { type HandClock, handClock } from '../support/hand-clock.ts'
import { type TemporaryStores, temporaryPipeline } from '../support/stores.ts'
import {
  drive,
  type Embedding,
  embedderOn,
  pictureId,
  publishBaseline,
  publishCandidate,
  registryOf,
  sendPictures,
  servedGeneration,
  vectorOf,
} from './embedder-support.ts'

let stores: TemporaryStores
let one: Embedding
let clock: HandClock
const readers: ReleaseReader[] = []

beforeEach(async () => {
  stores = await temporaryPipeline()
  one = embedderOn(stores)
  clock = handClock()
})
afterEach(async () => {
  for (const reader of readers.splice(0)) await reader.stop()
  await one.embedder.stop()
})

/** A thread's index in this process; the model is its version's name. */
function threadOf(
  { version, preprocessingHash, dim }: VersionModel,
  ended: string[],
): VersionThread {
  const index = exactIndex({ version, preprocessingHash }, dim)
  return {
    died: new Promise(() => undefined),
    embed: async () => ({ rows: 1, dim, data: vectorOf(version, 'asked') }),
    add: async (ids, vectors) => {
      index.add({ ids, vectors, version, preprocessingHash })
      return index.size
    },
    mask: async (ids) => {
      index.mask(ids)
      return index.size
    },
    search: (queries, k) => index.search(queries, k),
    recall: () => Promise.reject(new EngineError('not asked for')),
    close: async () => {
      index.dispose()
      ended.push(version)
    },
  }
}

interface Reading {
  readonly reader: ReleaseReader
  readonly events: ReaderEvent[]
  /** Versions whose thread was started, and whose thread was closed. */
  readonly opened: string[]
  readonly ended: string[]
}

function begin(changes: Partial<ReleaseReaderParts> = {}): Reading {
  const events: ReaderEvent[] = []
  const opened: string[] = []
  const ended: string[] = []
  const reader = releaseReader({
    registry: registryOf(stores),
    stream: stores.stream,
    group: 'contrastream-main-serve-1',
    openThread: async (model) => {
      opened.push(model.version)
      return threadOf(model, ended)
    },
    erased: async () => new Set(),
    clock,
    jitter: () => 0,
    onEvent: (event) => events.push(event),
    ...changes,
  })
  readers.push(reader)
  return { reader, events, opened, ended }
}

/** The picture that is found for the vector which a version makes of a picture. */
async function found(reader: Pick<ReleaseReader, 'use'>, n: number): Promise<string | undefined> {
  return reader.use(async (release) => {
    const { version, preprocessingHash } = release
    const vectors = { rows: 1, dim: 4, data: vectorOf(version, pictureId(n)) }
    const [neighbours] = await release.search({ version, preprocessingHash, vectors }, 1)
    return neighbours?.[0]?.id
  })
}

/** Version 1 serves with an index of ten pictures. */
async function serving(
  changes: Partial<ReleaseReaderParts> = {},
): Promise<Reading & { v1: string }> {
  const { version: v1 } = await publishBaseline(stores)
  await sendPictures(stores, 0, 10)
  await drive(one, () => one.embedder.status.embedded === 10)
  await drive(one, () => one.embedder.status.served !== undefined)
  const reading = begin(changes)
  await reading.reader.tick()
  return { ...reading, v1 }
}

const releaseNext = async (n: number): Promise<string> => {
  const { version } = await publishCandidate(stores, n)
  await drive(one, () => one.embedder.status.served?.id === `${version}.1`)
  return version
}

describe('releaseReader', () => {
  it('has nothing to serve before a version is published', async () => {
    const { reader } = begin()
    await reader.tick()
    expect(reader.current).toBeUndefined()
    await expect(reader.use(async () => 1)).rejects.toMatchObject({ code: 'BUSY' })
  })

  it('serves a version without an index, and says so when it is asked to search', async () => {
    const { version } = await publishBaseline(stores)
    const { reader } = begin()
    await reader.tick()
    expect(reader.current).toMatchObject({ version, generation: undefined, size: 0, seq: 1 })
    await expect(found(reader, 1)).rejects.toMatchObject({ code: 'BUSY', retryable: true })
    expect(await reader.use((release) => release.embed(new Uint8Array()))).toMatchObject({
      rows: 1,
    })
  })

  it('finds what was sealed, what came since, and what comes', async () => {
    const { reader, v1, events } = await serving()
    expect(reader.current).toMatchObject({ version: v1, generation: `${v1}.1`, size: 10 })
    expect(events).toMatchObject([{ event: 'serving', version: v1, vectors: 10 }])
    expect(await found(reader, 3)).toBe(pictureId(3))
    await sendPictures(stores, 10, 12)
    await drive(one, () => one.embedder.status.embedded === 12)
    await expect.poll(() => reader.current?.size).toBe(12)
    expect(await found(reader, 11)).toBe(pictureId(11))
  })

  it('loads blocks, after a restart, and follows from where they end', async () => {
    await serving()
    await one.clock.advance(300_000)
    await one.embedder.tick()
    expect((await servedGeneration(stores))?.blocks).toHaveLength(1)
    await sendPictures(stores, 10, 13)
    await drive(one, () => one.embedder.status.embedded === 13)
    const { reader } = begin({ group: 'contrastream-main-serve-2' })
    await reader.tick()
    expect(reader.current?.size).toBe(13)
  })

  it('puts the next release in place, and ends an older one after its last request', async () => {
    const { reader, v1, ended } = await serving()
    let finish: () => void = () => undefined
    const slow = reader.use(async (release) => {
      await new Promise<void>((resolve) => {
        finish = resolve
      })
      return release.version
    })
    const v2 = await releaseNext(2)
    await reader.tick()
    expect(reader.current).toMatchObject({ version: v2, generation: `${v2}.1`, size: 10 })
    expect(await found(reader, 7)).toBe(pictureId(7))
    const v3 = await releaseNext(3) // in the consumer group of version 1 again
    await reader.tick()
    expect(reader.current).toMatchObject({ version: v3, size: 10 })
    expect(ended).toEqual([])
    finish()
    expect(await slow).toBe(v1)
    await expect.poll(() => ended).toEqual([v1])
    expect(v2).not.toBe(v1)
    await sendPictures(stores, 10, 11)
    await expect
      .poll(async () => {
        await one.embedder.tick()
        return reader.current?.size
      })
      .toBe(11)
  })

  it('takes over release after release', async () => {
    const { reader } = await serving()
    for (const n of [2, 3, 4]) {
      const version = await releaseNext(n)
      await reader.tick()
      expect(reader.current).toMatchObject({ version, size: 10 })
    }
  })

  it('passes over what is no vector of its own version', async () => {
    const { reader, v1 } = await serving()
    const value = floatBytes(vectorOf(v1, pictureId(50)))
    const sent = { model: v1, preprocessing: 'p' }
    const records = [
      { headers: { ...sent, model: 'v2-0123456789ab' }, value },
      { headers: { ...sent, preprocessing: 'q' }, value },
      { headers: sent, value: value.slice(4) },
      { headers: {}, value },
    ].map((record, i) => ({ ...record, key: new TextEncoder().encode(pictureId(50 + i)) }))
    const last = { headers: sent, value, key: new TextEncoder().encode(pictureId(60)) }
    await stores.stream.send('images.embedded', [...records, last], { deadlineMs: 5_000 })
    await expect.poll(() => found(reader, 50)).toBe(pictureId(60))
    expect(reader.current?.size).toBe(11)
  })

  it('does not go back to what a store says that answers with the past', async () => {
    const past = new Map<string, Awaited<ReturnType<DocumentStore['read']>>>()
    let isStale = false
    const { documents } = stores
    const forgetful: DocumentStore = {
      ...documents,
      read: async (key, unless) => {
        if (isStale && past.has(key)) return past.get(key)
        return documents.read(key, unless)
      },
    }
    const { reader } = await serving({ registry: registryOf({ ...stores, documents: forgetful }) })
    past.set('channels/stable', await documents.read('channels/stable'))
    const v2 = await releaseNext(2)
    await reader.tick()
    isStale = true
    await reader.tick()
    expect(reader.current?.version).toBe(v2)
  })

  it('serves on when a release is damaged, remembers that, and takes the next', async () => {
    const { reader, v1, events } = await serving()
    const v2 = await releaseNext(2)
    const block = (await servedGeneration(stores))?.blocks[0]?.digest ?? ''
    await flipByte(join(stores.folder, 'blobs', 'index', block.slice(0, 2), block), 50)
    await reader.tick()
    await reader.tick()
    expect(reader.current?.version).toBe(v1)
    const reason = expect.stringContaining('it is missing or damaged')
    expect(reader.bad).toEqual([{ version: v2, generation: `${v2}.1`, reason }])
    expect(events.filter(({ event }) => event === 'bad-release')).toHaveLength(1)
    await rollback(registryOf(stores), { by: 'ada', at: 1, why: 'damaged' })
    await reader.tick()
    expect(reader.current?.version).toBe(v1)
  })

  it('waits while memory does not hold both', async () => {
    let free = Number.POSITIVE_INFINITY
    const { reader, v1 } = await serving({ options: { freeBytes: () => free } })
    const v2 = await releaseNext(2)
    free = 100
    await expect(reader.tick()).rejects.toMatchObject({ code: 'BUSY', reason: 'memory' })
    expect(reader.current?.version).toBe(v1)
    free = 10_000
    await reader.tick()
    expect(reader.current?.version).toBe(v2)
    expect(reader.bad).toEqual([])
  })

  it('hides what is erased, before and while it serves', async () => {
    const erased = new Set([pictureId(1)])
    const { reader } = await serving({ erased: async () => new Set(erased) })
    expect(reader.current?.size).toBe(9)
    expect(await found(reader, 1)).not.toBe(pictureId(1))
    erased.add(pictureId(2))
    await clock.advance(30_000)
    await reader.tick()
    expect(await found(reader, 2)).not.toBe(pictureId(2))
    expect(reader.current?.size).toBe(8)
  })

  it('finds after a rollback what the old index gets of the time between', async () => {
    const { reader, v1 } = await serving()
    await releaseNext(2)
    await reader.tick()
    await sendPictures(stores, 10, 13)
    await drive(one, () => one.embedder.status.embedded >= 23)
    await rollback(registryOf(stores), { by: 'ada', at: 1, why: 'worse' })
    await reader.tick()
    expect(reader.current?.version).toBe(v1)
    await drive(one, async () => {
      await reader.tick()
      return reader.current?.size === 13
    })
    expect(await found(reader, 12)).toBe(pictureId(12))
  })

  it('goes back without loading anything, as often as it is told to', async () => {
    const { reader, opened, ended, v1 } = await serving()
    const v2 = await releaseNext(2)
    await reader.tick()
    for (const [back, version] of [true, false, true].map((go) => [go, go ? v1 : v2] as const)) {
      const byHand = { by: 'ada', at: 1, why: 'to see' }
      await (back ? rollback(registryOf(stores), byHand) : promote(registryOf(stores), v2, byHand))
      await reader.tick()
      expect(reader.current).toMatchObject({ version, size: 10 })
      expect(await found(reader, 7)).toBe(pictureId(7))
    }
    expect([opened, ended]).toEqual([[v1, v2], []])
  })

  it('loads blocks of older pictures that came while it loaded itself', async () => {
    const { reader, v1 } = await serving()
    const row = { id: pictureId(30), at: 1, vector: vectorOf(v1, pictureId(30)) }
    const entry = { partition: 'images.unlabeled/0', source: 'a'.repeat(64) }
    const block = await putBlock(stores.blobs, blockOf([row], 4), entry)
    await generations(stores.documents).update(`${v1}.1`, (present) => ({
      ...present,
      blocks: [...present.blocks, block],
    }))
    await reader.tick()
    expect(await found(reader, 30)).toBe(pictureId(30))
  })

  it('looks by itself once it is started', async () => {
    const { version } = await publishBaseline(stores)
    const { reader } = begin()
    reader.start()
    await expect.poll(() => reader.current?.version).toBe(version)
  })

  it('looks as soon as a channel is said to have moved', async () => {
    const { reader } = await serving()
    reader.start()
    // Nobody moves the clock: the time of the next look does not come.
    const v2 = await releaseNext(2)
    await expect.poll(() => reader.current?.version).toBe(v2)
  })
})

describe('the release before the one in service', () => {
  const previous = (reader: ReleaseReader) => reader.previous.use(async ({ version }) => version)

  it('is not there as long as there was none', async () => {
    const { reader } = await serving()
    await expect(previous(reader)).rejects.toMatchObject({ code: 'BUSY', reason: 'no-previous' })
  })

  it('still answers, with what it found when it served', async () => {
    const { reader, opened, v1 } = await serving()
    const v2 = await releaseNext(2)
    await reader.tick()
    await sendPictures(stores, 10, 11)
    await drive(one, () => one.embedder.status.embedded >= 21)
    await expect.poll(() => found(reader, 10)).toBe(pictureId(10))
    expect(await previous(reader)).toBe(v1)
    expect(await found(reader.previous, 7)).toBe(pictureId(7))
    expect(await found(reader.previous, 10)).not.toBe(pictureId(10))
    expect(opened).toEqual([v1, v2])
  })

  it('is loaded for who asks, by a reader that has never served it', async () => {
    const { v1 } = await serving()
    const v2 = await releaseNext(2)
    const { reader, opened } = begin({ group: 'contrastream-main-serve-2' })
    await reader.tick()
    expect(reader.current?.version).toBe(v2)
    expect(await Promise.all([previous(reader), found(reader.previous, 3)])).toEqual([
      v1,
      pictureId(3),
    ])
    expect(opened).toEqual([v2, v1])
  })

  it('is let go of where memory is short, and refused to who asks', async () => {
    let free = Number.POSITIVE_INFINITY
    const { reader, ended, v1 } = await serving({ options: { freeBytes: () => free } })
    await releaseNext(2)
    await reader.tick()
    free = 100
    await reader.tick()
    await expect.poll(() => ended).toEqual([v1])
    await expect(previous(reader)).rejects.toMatchObject({ code: 'BUSY', reason: 'memory' })
    free = 10_000
    expect(await previous(reader)).toBe(v1)
  })

  it('is loaded again where its thread has ended', async () => {
    const endThread: (() => void)[] = []
    const { reader, v1 } = await serving({
      openThread: async (model) => ({
        ...threadOf(model, []),
        died: new Promise((resolve) => endThread.push(() => resolve(new Error('killed')))),
      }),
    })
    await releaseNext(2)
    await reader.tick()
    endThread[0]?.()
    const starts = async () => {
      expect(await previous(reader)).toBe(v1)
      return endThread.length
    }
    await expect.poll(starts).toBe(3)
  })
})
