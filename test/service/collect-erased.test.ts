import { describe, expect, it } from 'vitest'
import { encodePng } from '../../lib/image/encode.ts'
import { digestOf } from '../../lib/registry/digest.ts'
import { collectErased, erasedCollector, waitsFor } from '../../lib/service/collect-erased.ts'
import { namingLineages } from '../../lib/service/erased-checkpoints.ts'
import {
  type ErasureDone,
  noteErased,
  readErasure,
  readErasures,
  requestErasure,
} from '../../lib/service/erasures.ts'
import { readTopic } from '../../lib/service/read-topic.ts'
import { topicNames } from '../../lib/stream/topics.ts'
import { handClock } from '../support/hand-clock.ts'
import {
  checkpointsOf,
  contentOf,
  ingest,
  stateWith,
  type TestHouse,
  testHouse,
} from './housekeeping-folder.ts'

const held = { assertHeld: () => undefined }
const all: ErasureDone = { learn: 1, embed: { 'images.unlabeled/0': 1 } }

/** Somebody asks to forget a picture, and others have acted. */
async function erase({ registry }: TestHouse, id: string, done: ErasureDone = all): Promise<void> {
  await requestErasure(registry.documents, id, { by: 'test', at: 1, why: 'asked' })
  await noteErased(registry.documents, [id], done)
}

async function collect(house: TestHouse, ...ids: readonly string[]): Promise<readonly string[]> {
  const erasures = await readErasures(house.registry.documents, ids)
  return collectErased(house, held, erasures, house.now)
}

const has = async ({ registry }: TestHouse, id: string): Promise<boolean> =>
  (await registry.blobs.stat('pictures', id)) !== undefined

/** Two pictures of which the learner keeps both. */
async function withTwo(house: TestHouse): Promise<[string, string]> {
  const [gone, stays] = (await ingest(house, ['gone', 'stays'])) as [string, string]
  for (const id of [gone, stays]) await house.registry.blobs.keep(id)
  return [gone, stays]
}

describe('waitsFor', () => {
  const { config } = { config: { search: { enabled: true, k: 10 } } as never }
  const wish = (done: ErasureDone) => ({ format: 1 as const, by: 'test', at: 1, why: '', done })

  it('names the roles that have still to act, the index by every partition', () => {
    const partitions = ['images.unlabeled/0', 'images.unlabeled/1']
    expect(waitsFor(config, wish({}), partitions)).toEqual(['learn', 'embed'])
    expect(waitsFor(config, wish(all), partitions)).toEqual(['embed'])
    expect(waitsFor(config, wish(all), partitions.slice(0, 1))).toEqual([])
  })

  it('asks no index where there is none', () => {
    const without = { search: { enabled: false, k: 10 } } as never
    expect(waitsFor(without, wish({ learn: 1 }), ['images.unlabeled/0'])).toEqual([])
  })
})

describe('collectErased', () => {
  it('leaves a picture alone that somebody may still store again', async () => {
    const house = await testHouse()
    const [gone] = await withTwo(house)
    await erase(house, gone, { learn: 1 })
    expect(await collect(house, gone)).toEqual([])
    expect(await has(house, gone)).toBe(true)
  })

  it('removes its bytes however young and kept it is, and notes that', async () => {
    const house = await testHouse()
    const [gone, stays] = await withTwo(house)
    await house.registry.blobs.put('quarantine', new TextEncoder().encode('gone'))
    await erase(house, gone)
    expect(await collect(house, gone)).toEqual([gone])
    expect([await has(house, gone), await has(house, stays)]).toEqual([false, true])
    expect(await house.registry.blobs.stat('quarantine', gone)).toBeUndefined()
    const { documents } = house.registry
    expect((await readErasure(documents, gone))?.done.collection).toBe(house.wall.ms)
    expect(await collect(house, gone)).toEqual([])
  })

  it('removes older checkpoints that name it, with their parts, and no other', async () => {
    const house = await testHouse()
    const [gone, stays] = await withTwo(house)
    const checkpoints = await checkpointsOf(house)
    const before = await checkpoints.replace(undefined, contentOf(stateWith([stays]), 0, 0))
    const naming = await checkpoints.replace(before, contentOf(stateWith([gone, stays]), 1, 0))
    const after = await checkpoints.replace(naming, contentOf(stateWith([stays]), 1, 1))
    await erase(house, gone)
    await collect(house, gone)
    const keys = await house.registry.documents.list('checkpoint/main/')
    expect(keys.map((key) => Number(key.slice(-1)) || 'head')).toEqual([1, 3, 'head'])
    const buffer = (saved: typeof naming) => saved.head.parts['buffer']?.digest ?? ''
    expect(await house.registry.blobs.stat('state', buffer(naming))).toBeUndefined()
    expect(await house.registry.blobs.stat('state', buffer(after))).toBeDefined()
    expect((await checkpoints.load())?.saved.head.seq).toBe(3)
  })

  it('never removes what a learner begins from: it says which lineage that is', async () => {
    const house = await testHouse()
    const [gone] = await withTwo(house)
    const checkpoints = await checkpointsOf(house, 'other')
    await checkpoints.replace(undefined, contentOf(stateWith([gone]), 0, 0))
    await erase(house, gone)
    await collect(house, gone)
    expect(await checkpoints.load()).toBeDefined()
    expect(await namingLineages(house.registry, new Set([gone]))).toEqual(['other'])
  })

  it('leaves an envelope in the place of a raw picture, and nothing in that of a vector', async () => {
    const house = await testHouse()
    const [one, two] = await Promise.all([0, 255].map((grey) => picture(grey)))
    const ids = [one, two].map((bytes) => digestOf(bytes as Uint8Array)) as [string, string]
    const raw = [one, two].map((value) => ({ value: value as Uint8Array }))
    await house.stream.send(topicNames.unlabeled, raw, { deadlineMs: 1_000 })
    const vectors = ids.map((id) => ({
      key: new TextEncoder().encode(id),
      value: Uint8Array.of(1, 2),
    }))
    await house.stream.send(topicNames.embedded, vectors, { deadlineMs: 1_000 })
    await erase(house, ids[0])
    await collect(house, ids[0])
    const [first, second] = await values(house, topicNames.unlabeled)
    expect(JSON.parse(new TextDecoder().decode(first))).toMatchObject({ sha256: ids[0] })
    expect(second).toEqual(two)
    expect(await values(house, topicNames.embedded)).toEqual([
      new Uint8Array(0),
      Uint8Array.of(1, 2),
    ])
    const row = house.database.prepare("SELECT bytes FROM part WHERE topic = 'images.unlabeled'")
    expect(row.get()?.['bytes']).toBe((first?.length ?? 0) + (two?.length ?? 0))
  })

  it('removes nothing without the lease', async () => {
    const house = await testHouse()
    const [gone] = await withTwo(house)
    await erase(house, gone)
    const lost = () => {
      throw new Error('lost')
    }
    const erasures = await readErasures(house.registry.documents, [gone])
    const collecting = collectErased(house, { assertHeld: lost }, erasures, house.now)
    await expect(collecting).rejects.toThrow('lost')
    expect(await has(house, gone)).toBe(true)
  })
})

describe('erasedCollector', () => {
  it('collects once everybody else has acted, at one of its looks', async () => {
    const house = await testHouse()
    const [gone] = await withTwo(house)
    const clock = handClock()
    const look = erasedCollector(house, { now: house.now, clock })
    const { signal } = new AbortController()
    await look(signal)
    await erase(house, gone)
    await look(signal) // too soon after the last one
    expect(await has(house, gone)).toBe(true)
    await clock.advance(30_000)
    await look(signal)
    expect(await has(house, gone)).toBe(false)
  })
})

const picture = (grey: number): Promise<Uint8Array> =>
  encodePng(new Uint8Array(3 * 28 * 28).fill(grey), 28, 28)

async function values({ stream }: TestHouse, topic: string): Promise<Uint8Array[]> {
  const found: Uint8Array[] = []
  await readTopic(stream, topic, 'test', (records) => {
    found.push(...records.map(({ value }) => new Uint8Array(value)))
  })
  return found
}
