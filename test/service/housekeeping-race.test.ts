import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { type Random, randomStream } from '../../lib/engine/random.ts'
import type { Saved } from '../../lib/learn/checkpoint.ts'
import { type House, keepHouse } from '../../lib/service/housekeeping.ts'
import type { Digest } from '../../lib/store/types.ts'
import { topicNames } from '../../lib/stream/topics.ts'
import { move, smallModel, storeModel } from '../support/models.ts'
import { checkpointsOf, contentOf, ingest, stateWith, testHouse } from './housekeeping-folder.ts'

const hour = 3_600_000
const held = { assertHeld: () => undefined }
const rounds = 200
/** A round takes 12 h: pictures wait, and stay in the buffer, for longer than they are retained. */
const roundMs = 12 * hour
const settings = {
  log: { retention: { hours: 1 } },
  pictures: { retention: '13h' },
  release: { keep: 2 },
}
const appliedEvery = 3
const buffered = 48
/** Rounds after which a picture has left the buffer and the checkpoints, and is about to go. */
const goesAfter = { least: 31, most: 37 }

it('never takes from a learner what it needs, in 200 rounds side by side', {
  timeout: 300_000,
}, async () => {
  const house = await testHouse(settings)
  const collector = house.again()
  const { blobs, versions, stable } = house.registry
  const random = randomStream(1, 'race')
  const learner = await learnerIn(house, random)

  for (let round = 0; round < rounds; round += 1) {
    await Promise.all([
      after(random, () => learner.live(round)),
      after(random, () => keepHouse(collector, held, house.now)),
    ])
    house.wall.ms += roundMs
    for (const id of learner.needed()) expect(await blobs.stat('pictures', id)).toBeDefined()
  }
  await (await checkpointsOf(house)).load()
  await house.registry.loadVersion((await stable.read())?.version ?? '')

  // And it does take the rest: what is left is what a few days bring, not all of a hundred.
  await keepHouse(collector, held, house.now)
  for (const space of ['pictures', 'state', 'models'] as const) {
    const left = []
    for await (const { digest } of blobs.list(space)) left.push(digest)
    expect(left.length).toBeLessThan(60)
  }
  expect(await versions.list()).toHaveLength(2)
})

/** Begins a little later, so that each round meets the other side at another moment. */
async function after<T>(random: Random, work: () => Promise<T>): Promise<T> {
  for (let turns = Math.floor(30 * random.uniform()); turns > 0; turns -= 1) await nextTurn()
  return work()
}

/** A learner that takes in, applies and publishes. */
async function learnerIn(house: House, random: Random) {
  const { registry } = house
  const checkpoints = await checkpointsOf(house)
  let waiting: readonly Digest[] = []
  let buffer: readonly Digest[] = []
  let saved: Saved | undefined

  async function apply(): Promise<void> {
    for (const id of waiting) expect(await registry.blobs.keep(id)).toBe(true)
    buffer = [...new Set([...buffer, ...waiting])].slice(-buffered)
    const from = saved?.head.offsets[`${topicNames.unlabeled}/0`] ?? 0
    const content = contentOf(stateWith(buffer), from + waiting.length, from)
    saved = await checkpoints.replace(saved, content)
    waiting = []
  }

  return {
    needed: () => [...waiting, ...buffer],
    live: async (round: number) => {
      // One new picture, and one that came before and is on its way out.
      const { least, most } = goesAfter
      const again = round - least - Math.floor((most - least + 1) * random.uniform())
      waiting = [...waiting, ...(await ingest(house, [`${round}`, `${again}`]))]
      if (round % appliedEvery === appliedEvery - 1) await apply()
      if (round % 20 !== 0) return
      const entry = await storeModel(registry, smallModel(round / 20 + 1))
      await registry.stable.move(entry, { move })
    },
  }
}
