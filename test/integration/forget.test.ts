import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { monotonicClock } from '../../lib/registry/clock.ts'
import { Closers } from '../../lib/service/closers.ts'
import { namingLineages } from '../../lib/service/erased-checkpoints.ts'
import type { PipelineEvent } from '../../lib/service/events.ts'
import { openLearning } from '../../lib/service/open-learning.ts'
import { openPipeline } from '../../lib/service/open-pipeline.ts'
import { readState } from '../../lib/service/read-state.ts'
import { takeRunLease } from '../../lib/service/run-lease.ts'
import { runWatch } from '../../lib/service/run-watch.ts'
import { contrastream, start } from './program.ts'
import { runSmall, type SmallFolder, smallConfig, smallFolder } from './small-run.ts'

let small: SmallFolder
beforeAll(async () => {
  small = await smallFolder()
})
afterAll(() => small.remove())

/** Takes the folder in, and runs no round. */
const untrained = { learn: { start: { buffered: 10_000, fresh: 10_000 } } }

it('begins a round anew without a picture that is erased while it is under way', async () => {
  await runSmall(smallConfig(small, untrained))
  const config = smallConfig(small)
  const closers = new Closers()
  const pipeline = await openPipeline(config)
  closers.add(() => pipeline.close())
  const fail = (error: unknown): void => {
    throw error
  }
  const lease = await takeRunLease(pipeline, 'learn', monotonicClock, fail)
  closers.add(() => lease.release())
  const watch = runWatch(config.run.watchdog)
  closers.add(() => watch.close())
  const { state } = await readState(pipeline)
  const [erased] = [...state.buffer.entries.keys()] as [string]
  const began: number[] = []
  const forgetting: Promise<void>[] = []
  const { learner } = await openLearning(
    {
      ...{ pipeline, lease, watch, fail, beginning: {}, processes: 1, releases: true },
      now: Date.now,
      onEvent: (event: PipelineEvent) => {
        if (event.event !== 'round-began') return
        began.push(event.pictures)
        if (began.length === 1) forgetting.push(learner.forget(new Set([erased])))
      },
    },
    closers,
  )
  try {
    await learner.resume(new Set())
    await learner.finishRound()
    await learner.start()
    const ended = await learner.round()
    await Promise.all(forgetting)
    const all = state.buffer.entries.size
    expect(began).toEqual([all, all - 1])
    expect(ended?.pictures).toBe(all - 1)
    expect(await namingLineages(pipeline.registry, new Set([erased]))).toEqual([])
    await learner.stop()
  } finally {
    await closers.close()
    rmSync(join(small.folder, 'data'), { recursive: true })
  }
}, 120_000)

it('has a service that runs forget a picture, and takes it in no more', async () => {
  const config = smallConfig(small, untrained)
  const pairs = [
    ...['image.channels=grey', 'model.backbone=conv4', 'model.dim=16', 'limits.decoders=1'],
    ...['learn.start.buffered=10000', 'learn.start.fresh=10000', 'http.port=0', 'http.adminPort=0'],
  ].flatMap((pair) => ['--set', pair])
  const service = start(['run', small.pictures, '--data', config.data, ...pairs])
  try {
    const progress = () => service.lines().findLast(({ event }) => event === 'progress')
    const waiting = { timeout: 60_000, interval: 100 }
    await vi.waitFor(() => expect(progress()).toMatchObject({ applied: 176 }), waiting)
    const pipeline = await openPipeline(config)
    await vi.waitFor(() => readState(pipeline), waiting)
    let erased = ''
    for await (const { digest } of pipeline.blobs.list('pictures')) erased = digest
    const { code, lines, errors } = await contrastream([
      ...['image', 'forget', erased, '--data', config.data],
      ...pairs,
    ])
    expect(errors).toContain('waits for the service that runs')
    expect([code, lines[0]?.['event'], lines[0]?.['ids']]).toEqual([0, 'forgotten', [erased]])
    expect(await pipeline.blobs.stat('pictures', erased)).toBeUndefined()
    expect(await namingLineages(pipeline.registry, new Set([erased]))).toEqual([])
    await pipeline.close()
    service.signal('SIGTERM')
    expect((await service.ended).code).toBe(0)
  } finally {
    service.signal('SIGKILL')
  }
}, 180_000)
