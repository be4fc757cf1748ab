import { expect, it } from 'vitest'
import { randomStream } from '../../lib/engine/random.ts'
import type { Saved } from '../../lib/learn/checkpoint.ts'
import { keepHouse } from '../../lib/service/housekeeping.ts'
import type { Digest } from '../../lib/store/types.ts'
import { topicNames } from '../../lib/stream/topics.ts'
import { move, smallModel, storeModel } from '../support/models.ts'
import { checkpointsOf, contentOf, ingest, stateWith, testHouse } from './housekeeping-folder.ts'

const hour = 3_600_000
const held = { assertHeld: () => undefined }
const rounds = 200
const buffered = 5

it('never takes from a learner what it needs, in 200 rounds side by side', {
  timeout: 300_000,
}, async () => {
  const house = await testHouse({
    log: { retention: { hours: 24 } },
    pictures: { retention: '48h' },
    release: { keep: 2 },
  })
  const { blobs, versions, stable } = house.registry
  const collector = house.again()
  // Nobody pulls the plug here: the disk's time would be most of the test's.
  for (const { database } of [house, collector]) database.exec('PRAGMA synchronous = OFF')
  const checkpoints = await checkpointsOf(house)
  const random = randomStream(1, 'race')
  const known: Digest[] = []
  let waiting: Digest[] = []
  let buffer: Digest[] = []
  let saved: Saved | undefined

  /** Applies what waits, and leaves what comes in now to the next round. */
  async function learn(round: number): Promise<void> {
    for (const id of waiting) expect(await blobs.keep(id)).toBe(true)
    buffer = [...new Set([...buffer, ...waiting])].slice(-buffered)
    const from = saved?.head.offsets[`${topicNames.unlabeled}/0`] ?? 0
    const content = contentOf(stateWith(buffer), from + waiting.length, from)
    saved = await checkpoints.replace(saved, content)
    // Every other picture is one that came before, and may be on its way out.
    const again = Math.floor(random.uniform() * round)
    waiting = await ingest(house, [`${round}`, `${again}`])
    known.push(...waiting)
    if (round % 10 === 0) {
      const entry = await storeModel(house.registry, smallModel(round / 10 + 1))
      await stable.move(entry, { move })
    }
  }

  for (let round = 0; round < rounds; round += 1) {
    await Promise.all([learn(round), keepHouse(collector, held, house.now)])
    house.wall.ms += 5 * hour
    for (const id of [...buffer, ...waiting]) expect(await blobs.stat('pictures', id)).toBeDefined()
  }
  expect((await checkpoints.load())?.saved.head.seq).toBe(rounds)
  const state = await stable.read()
  await house.registry.loadVersion(state?.version ?? '')

  // And it does take the rest: what is left is what a few days bring, not all of forty.
  house.wall.ms += 72 * hour
  await keepHouse(collector, held, house.now)
  for (const space of ['pictures', 'state', 'models'] as const) {
    const left = []
    for await (const { digest } of blobs.list(space)) left.push(digest)
    expect(left.length).toBeLessThan(30)
  }
  expect(new Set(known).size).toBe(rounds)
  expect(await versions.list()).toHaveLength(2)
})
