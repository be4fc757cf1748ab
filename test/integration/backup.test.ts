import { join } from 'node:path'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import type { Config } from '../../lib/config/schema.ts'
import { openPipeline } from '../../lib/service/open-pipeline.ts'
import { contrastream, type Running, start } from './program.ts'
import { type SmallFolder, smallConfig, smallFolder, writeGlyphs } from './small-run.ts'

let small: SmallFolder
beforeAll(async () => {
  small = await smallFolder()
})
afterAll(() => small.remove())

const waiting = { timeout: 90_000, interval: 100 }
const pairs = [
  ...['image.channels=grey', 'model.backbone=conv4', 'model.dim=16', 'limits.decoders=1'],
  ...['learn.start.buffered=10000', 'learn.start.fresh=10000', 'http.port=0', 'http.adminPort=0'],
].flatMap((pair) => ['--set', pair])

const service = (data: string): Running => start(['run', small.pictures, '--data', data, ...pairs])

/** What stable names, as the stores say. */
async function release(config: Config): Promise<readonly unknown[]> {
  const { registry, close } = await openPipeline(config)
  try {
    const { version, generation } = (await registry.stable.read()) ?? {}
    return [version, generation]
  } finally {
    await close()
  }
}

/** Waits until a service has so many pictures in its learner and in the index that answers. */
const reaches = (running: Running, pictures: number) =>
  vi.waitFor(async () => {
    const last = (event: string) => running.lines().findLast((line) => line['event'] === event)
    expect(last('progress')).toMatchObject({ applied: pictures })
    const response = await fetch(`${last('listening')?.['data']}/v1/release`)
    expect(await response.json()).toMatchObject({ vectors: pictures })
  }, waiting)

it('starts a service from a backup that was made while one ran', async () => {
  const config = smallConfig(small)
  const target = join(small.folder, 'backup')
  const restored = { ...config, data: join(small.folder, 'restored') }
  const first = service(config.data)
  try {
    await reaches(first, 176)
    const made = await contrastream(['backup', target, '--data', config.data])
    expect([made.code, made.lines[0]?.['damaged']]).toEqual([0, []])
  } finally {
    first.signal('SIGTERM')
    await first.ended
  }

  const put = await contrastream(['restore', target, '--data', restored.data])
  expect([put.code, put.lines[0]?.['hasLog']]).toEqual([0, true])
  const before = await release(config)
  expect(await release(restored)).toEqual(before)

  await writeGlyphs(small.pictures, 8, 1, 100) // the learner goes on with what is new
  const second = service(restored.data)
  try {
    await reaches(second, 184)
  } finally {
    second.signal('SIGTERM')
  }
  expect((await second.ended).code).toBe(0)
  expect(await release(restored)).toEqual(before)
}, 300_000)
