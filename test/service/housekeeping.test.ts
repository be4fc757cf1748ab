import { describe, expect, it } from 'vitest'
import type { Saved } from '../../lib/learn/checkpoint.ts'
import { type House, keepHouse, planHousekeeping } from '../../lib/service/housekeeping.ts'
import { topicNames } from '../../lib/stream/topics.ts'
import { smallModel, storeModel } from '../support/models.ts'
import {
  checkpointsOf,
  contentOf,
  ingest,
  stateWith,
  type TestHouse,
  testHouse,
} from './housekeeping-folder.ts'

const hour = 3_600_000
const day = 24 * hour
const held = { assertHeld: () => undefined }
const month = { pictures: { retention: '30d' } }

/** Keeps house, and checks that the plan said so. */
async function keep(house: TestHouse) {
  const plan = await planHousekeeping(house, house.now)
  const deed = await keepHouse(house, held, house.now)
  expect(plan).toEqual(deed)
  return deed
}

/** The learner applies everything so far, with these pictures in its state. */
async function apply(
  house: House,
  buffer: readonly string[],
  {
    heldOut = [],
    saved,
    round,
  }: { heldOut?: readonly string[]; saved?: Saved; round?: object } = {},
): Promise<Saved> {
  for (const id of [...buffer, ...heldOut]) await house.registry.blobs.keep(id)
  const [mark] = await house.stream.watermarks(topicNames.unlabeled)
  const from = saved?.head.offsets[`${topicNames.unlabeled}/0`] ?? 0
  const content = contentOf(stateWith(buffer, heldOut), mark?.high ?? 0, from)
  const checkpoints = await checkpointsOf(house)
  return checkpoints.replace(saved, { ...content, ...round })
}

const has = async ({ registry }: House, id: string | undefined): Promise<boolean> =>
  (await registry.blobs.stat('pictures', id ?? '')) !== undefined

const low = async ({ stream }: House) => (await stream.watermarks(topicNames.unlabeled))[0]?.low

describe('keepHouse', () => {
  it('finds nothing to do in a new folder', async () => {
    const nothing = { count: 0, bytes: 0 }
    const [pictures, state, models, index, quarantine] = Array.from({ length: 5 }, () => nothing)
    expect(await keep(await testHouse())).toEqual({
      documents: [],
      blobs: { pictures, state, models, index, quarantine },
      released: 0,
      orphans: nothing,
      records: nothing,
      log: { bytes: 0, isOver: false },
      unreadable: [],
    })
  })

  it('drops old records that are applied, and no other', async () => {
    const house = await testHouse()
    await ingest(house, ['a', 'b'])
    house.wall.ms += 8 * day
    expect((await keep(house)).records.count).toBe(0) // nobody has applied them
    await apply(house, [])
    await ingest(house, ['c'])
    expect((await keep(house)).records.count).toBe(2)
    expect(await low(house)).toBe(2)
  })

  it('says that the log is over rather than drop what is not applied', async () => {
    const house = await testHouse({ log: { retention: { bytes: '100B' } } })
    await ingest(house, ['a', 'b'])
    expect(await keep(house)).toMatchObject({ records: { count: 0 }, log: { isOver: true } })
    await apply(house, [])
    expect(await keep(house)).toMatchObject({ records: { count: 1 }, log: { isOver: false } })
  })

  it('keeps records set aside, and their bytes, for a month', async () => {
    const house = await testHouse()
    await house.registry.blobs.put('quarantine', Uint8Array.of(1))
    await house.stream.send(topicNames.dead, [{ value: Uint8Array.of(1) }], { deadlineMs: 1_000 })
    house.wall.ms += 29 * day
    expect((await keep(house)).records.count).toBe(0)
    house.wall.ms += 2 * day
    expect(await keep(house)).toMatchObject({
      records: { count: 1 },
      blobs: { quarantine: { count: 1, bytes: 1 } },
    })
  })

  it('keeps pictures for ever by default', async () => {
    const house = await testHouse()
    const [a] = await ingest(house, ['a'])
    await apply(house, [])
    house.wall.ms += 1_000 * day
    expect((await keep(house)).blobs.pictures.count).toBe(0)
    expect(await has(house, a)).toBe(true)
  })

  it('removes pictures past their age that buffer, probes and rounds do not need', async () => {
    const house = await testHouse(month)
    const [a, b, c, d] = (await ingest(house, ['a', 'b', 'c', 'd'])) as [
      string,
      string,
      string,
      string,
    ]
    const begun = await apply(house, [a], { round: { round: { number: 1, seed: 1 } } })
    await apply(house, [b], {
      heldOut: [c],
      saved: begun,
      round: { round: begun.head.round },
    })
    house.wall.ms += 31 * day
    expect((await keep(house)).blobs.pictures).toEqual({ count: 1, bytes: 1 })
    expect(await Promise.all([a, b, c, d].map((id) => has(house, id)))).toEqual([
      true,
      true,
      true,
      false,
    ])
  })

  it('keeps a picture for as long as its record may wait on Kafka', async () => {
    // The rule is that of brokers; stores and stream are those at hand.
    const house = await testHouse({
      ...{ stream: { adapter: 'kafka' }, kafka: { brokers: ['127.0.0.1:1'] } },
      ...{ pictures: { retention: '2d' }, log: { retention: { hours: 7 * 24 } } },
    })
    const [a] = await ingest(house, ['a'])
    house.wall.ms += 7 * day
    await keep(house)
    expect(await has(house, a)).toBe(true)
    house.wall.ms += 2 * day
    await keep(house)
    expect(await has(house, a)).toBe(false)
  })

  it('lets a picture go that was evicted, once no checkpoint names it', async () => {
    const house = await testHouse(month)
    const [a] = (await ingest(house, ['a'])) as [string]
    let saved = await apply(house, [a])
    house.wall.ms += 31 * day
    for (let copy = 0; copy < 3; copy += 1) {
      expect(await keep(house)).toMatchObject({ released: 0, blobs: { pictures: { count: 0 } } })
      saved = await apply(house, [], { saved })
    }
    expect(await keep(house)).toMatchObject({ released: 1, blobs: { pictures: { count: 1 } } })
  })

  it('keeps a picture whose record waits, however old it is', async () => {
    const house = await testHouse(month)
    const [a] = await ingest(house, ['a'])
    house.wall.ms += 100 * day
    expect((await keep(house)).blobs.pictures.count).toBe(0)
    await apply(house, [])
    await keep(house)
    expect(await has(house, a)).toBe(false)
  })

  it('touches no picture while a checkpoint cannot be read, and names it', async () => {
    const house = await testHouse(month)
    await ingest(house, ['a'])
    const { head } = await apply(house, [])
    house.wall.ms += 100 * day
    const digest = head.parts['buffer']?.digest ?? ''
    await house.registry.blobs.delete('state', digest, { olderThanMs: day })
    expect(await keep(house)).toMatchObject({
      unreadable: ['checkpoint/main/00000000000000000001'],
      released: 0,
      blobs: { pictures: { count: 0 } },
    })
  })

  it('keeps as many versions as it is told', async () => {
    const house = await testHouse({ release: { keep: 2 } })
    for (const n of [1, 2, 3]) await storeModel(house.registry, smallModel(n))
    house.wall.ms += 2 * day
    const { documents, blobs } = await keep(house)
    expect(documents).toEqual(['versions/1'])
    expect(blobs.models.count).toBe(3)
  })

  it('goes on where a pass was killed', async () => {
    for (let step = 1; ; step += 1) {
      const house = await fullHouse()
      const plan = await planHousekeeping(house, house.now)
      let asked = 0
      const dying = {
        assertHeld: () => {
          asked += 1
          if (asked === step) throw new Error('killed')
        },
      }
      const pass = keepHouse(house, dying, house.now)
      const isKilled = await pass.then(
        () => false,
        () => true,
      )
      await expectWhole(house)
      await keep(house)
      await expectWhole(house)
      const after = await planHousekeeping(house, house.now)
      expect(after).toMatchObject({ documents: [], records: { count: 0 }, released: 0 })
      expect(after.log).toEqual(plan.log)
      if (!isKilled) break
    }
  })
})

/** A folder in which something of each kind may go, and something of each must stay. */
async function fullHouse(): Promise<TestHouse> {
  const house = await testHouse({ ...month, release: { keep: 1 } })
  const [a, b] = (await ingest(house, ['a', 'b', 'c'])) as [string, string]
  for (const n of [1, 2]) await storeModel(house.registry, smallModel(n))
  await house.registry.blobs.put('quarantine', Uint8Array.of(1))
  let saved = await apply(house, [a, b])
  for (let copy = 0; copy < 4; copy += 1) saved = await apply(house, [b], { saved })
  house.wall.ms += 31 * day
  await ingest(house, ['waits'])
  return house
}

/** All that the stored checkpoint and versions name is there. */
async function expectWhole(house: House): Promise<void> {
  const { registry } = house
  const loaded = await (await checkpointsOf(house)).load()
  const entries = loaded?.parts['buffer']?.json['entries'] as readonly { id: string }[] | undefined
  for (const { id } of entries ?? []) {
    expect(await registry.blobs.stat('pictures', id)).toMatchObject({ kept: true })
  }
  for (const { version } of await registry.versions.list()) await registry.loadVersion(version)
}
