import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { openPipeline } from '../../lib/service/open-pipeline.ts'
import { topicNames } from '../../lib/stream/topics.ts'
import { runSmall, type SmallFolder, smallConfig, smallFolder } from './small-run.ts'

let small: SmallFolder
beforeAll(async () => {
  small = await smallFolder()
})
afterAll(() => small.remove())

it('keeps house while it runs: drops what it applied long ago', { timeout: 120_000 }, async () => {
  const config = smallConfig(small, {
    // No round, and soon no checkpoint to fall back to that has applied less.
    learn: { start: { buffered: 10_000, fresh: 10_000 }, checkpointEvery: '100ms' },
  })
  const { summary } = await runSmall(config)
  expect(summary.applied).toBe(176)

  const beside = await openPipeline(config)
  beside.database.prepare('UPDATE record SET at = ?').run(Date.now() - 8 * 86_400_000)
  beside.database.exec('UPDATE position SET at = 0')
  const stop = new AbortController()
  const running = runSmall(config, { untilIdle: false, signal: stop.signal })
  await vi.waitFor(
    async () => {
      const [mark] = await beside.stream.watermarks(topicNames.unlabeled)
      expect(mark).toMatchObject({ low: 176, high: 176 })
    },
    { timeout: 60_000, interval: 100 },
  )
  stop.abort()
  expect((await running).summary).toMatchObject({ applied: 176, interrupted: true })
  await beside.close()
})
