import { afterAll, beforeAll, expect, it } from 'vitest'
import { openPipeline } from '../../lib/service/open-pipeline.ts'
import { runSmall, type SmallFolder, smallConfig, smallFolder, writeGlyphs } from './small-run.ts'

let small: SmallFolder
beforeAll(async () => {
  small = await smallFolder()
})
afterAll(() => small.remove())

const roundsOf = async (now: () => number) => {
  const config = smallConfig(small, { learn: { minInterval: '1h' } })
  const { events, summary } = await runSmall(config, { now })
  return { rounds: events.filter(({ event }) => event === 'round').length, reason: summary.reason }
}

it('keeps the least interval between rounds, from one run to the next', async () => {
  const hour = 3_600_000
  const start = Date.now()
  expect((await roundsOf(() => start)).rounds).toBe(1)
  await writeGlyphs(small.pictures, 8, 12, 100)
  const soon = await roundsOf(() => start + 0.5 * hour)
  expect(soon).toEqual({ rounds: 0, reason: expect.stringContaining('30 minutes') })
  expect((await roundsOf(() => start + hour)).rounds).toBe(1)
})

it('keeps with each verdict what was watched and did not decide', async () => {
  const pipeline = await openPipeline(smallConfig(small))
  const [first, second] = await pipeline.registry.audit.rounds()
  await pipeline.close()
  const names = ['alignment', 'churn', 'silhouette', 'uniformity']
  expect(Object.keys(first?.gate.details?.['watched'] ?? {}).sort()).toEqual(names)
  expect(second?.gate.details?.['watched']).toMatchObject({ nmi: expect.any(Number) })
})
