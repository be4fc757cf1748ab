import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { collectionRoots } from '../../lib/registry/collection-roots.ts'
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
  const beside = await openPipeline(config)
  const whenever = { timeout: 60_000, interval: 100 }
  const filled = new AbortController()
  const filling = runSmall(config, { untilIdle: false, signal: filled.signal })
  await vi.waitFor(async () => {
    const { checkpoints } = await collectionRoots(beside.registry)
    const applied = checkpoints.map(({ offsets }) => offsets['images.unlabeled/0'])
    expect(applied).toEqual([176, 176, 176, 176]) // the head, and three copies
  }, whenever)
  filled.abort()
  await filling

  beside.database.prepare('UPDATE record SET at = ?').run(Date.now() - 8 * 86_400_000)
  beside.database.exec('UPDATE position SET at = 0')
  const stop = new AbortController()
  const running = runSmall(config, { untilIdle: false, signal: stop.signal })
  await vi.waitFor(async () => {
    const [mark] = await beside.stream.watermarks(topicNames.unlabeled)
    expect(mark).toMatchObject({ low: 176, high: 176 })
  }, whenever)
  stop.abort()
  expect((await running).summary).toMatchObject({ applied: 176, interrupted: true })
  await beside.close()
})
