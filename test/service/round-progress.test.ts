import { expect, it } from 'vitest'
import type { RoundStatus } from '../../lib/service/events.ts'
import { progressTeller, roundUnderWay } from '../../lib/service/round-progress.ts'
import { temporaryStores } from '../support/stores.ts'

/** A learner whose round the test moves, and what is heard of it. */
function told() {
  const { documents } = temporaryStores()
  const world = { round: undefined as RoundStatus | undefined, now: 1_000_000 }
  const tell = progressTeller({
    documents,
    lineage: 'main',
    learner: {
      get status() {
        return { round: world.round }
      },
    },
    now: () => world.now,
  })
  const hear = () => roundUnderWay(documents, 'main', world.now)
  return { documents, world, tell, hear }
}

const training = (step: number): RoundStatus => ({
  number: 3,
  progress: { phase: 'train', step, steps: 200, loss: 0.4, valid: 0.3 },
  secondsLeft: step === 0 ? undefined : 22,
})

it('tells where the round under way stands, and that it is over', async () => {
  const { world, tell, hear } = told()
  expect(await hear()).toBeUndefined()
  world.round = training(0)
  await tell()
  expect(await hear()).toEqual({ round: 3, phase: 'train', step: 0, steps: 200, at: 1_000_000 })
  world.round = training(120)
  await tell()
  expect(await hear()).toMatchObject({ step: 120, loss: 0.4, valid: 0.3, secondsLeft: 22 })
  world.round = { number: 3, progress: { phase: 'gate', step: 200, steps: 200 }, secondsLeft: 0 }
  await tell()
  expect(await hear()).toMatchObject({ phase: 'gate', secondsLeft: 0 })
  world.round = undefined
  await tell()
  expect(await hear()).toBeUndefined()
})

it('writes nothing while there is nothing to tell', async () => {
  const { documents, tell } = told()
  await tell()
  const found = await documents.read('progress/main')
  await tell()
  expect(await documents.read('progress/main')).toEqual(found)
})

it('takes back what a learner that was killed has left, and is not believed for ever', async () => {
  const { documents, world, tell, hear } = told()
  world.round = training(5)
  await tell()
  world.now += 121_000
  expect(await hear()).toBeUndefined()
  world.now -= 121_000
  const next = progressTeller({
    documents,
    lineage: 'main',
    learner: { status: { round: undefined } },
    now: () => world.now,
  })
  await next()
  expect(await hear()).toBeUndefined()
})
