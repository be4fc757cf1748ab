import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Config, ConfigInput } from '../../lib/config/schema.ts'
import type { StudentState } from '../../lib/learn/state.ts'
import { folderReader } from '../../lib/model/artifact.ts'
import { loadModel } from '../../lib/model/load-model.ts'
import { readWeights } from '../../lib/model/weights.ts'
import { openPipeline, type Pipeline } from '../../lib/service/open-pipeline.ts'
import { readState } from '../../lib/service/read-state.ts'
import { command } from '../cli/support.ts'
import { runSmall, type SmallFolder, smallConfig, smallFolder, writeGlyphs } from './small-run.ts'

let small: SmallFolder
let model: string

const pipelineOf = async <T>(config: Config, work: (pipeline: Pipeline) => Promise<T>) => {
  const pipeline = await openPipeline(config)
  try {
    return await work(pipeline)
  } finally {
    await pipeline.close()
  }
}
/** A lineage that takes in, and learns nothing unless it is told to. */
const configOf = (lineage: string, more: ConfigInput = {}) =>
  smallConfig(small, { learn: { start: { buffered: 1_000 } }, ...more, lineage })
const studentOf = (config: Config): Promise<StudentState | undefined> =>
  pipelineOf(config, async (pipeline) => (await readState(pipeline)).state.student)
const versionsOf = (config: Config) =>
  pipelineOf(config, async ({ registry }) =>
    (await registry.versions.list()).map(({ version }) => Number(version.slice(1).split('-')[0])),
  )

/** A model folder trained on labels, and a history that has published two versions. */
beforeAll(async () => {
  small = await smallFolder()
  model = join(small.folder, 'model')
  const set = ['model.backbone=conv4', 'model.dim=16', 'image.channels=grey', 'learn.steps=3']
  const trained = await command(
    ...['train', small.pictures, '--labels', 'folders', '--out', model, '--json'],
    ...set.flatMap((one) => ['--set', one]),
  )
  expect(trained.error).toBeUndefined()
  await runSmall(smallConfig(small))
}, 600_000)
afterAll(() => small.remove())

it('begins from the weights of a folder that `train` wrote', async () => {
  const config = configOf('warm')
  const { summary } = await runSmall(config, { beginning: { warmStart: model } })
  expect(summary.applied).toBe(176)
  const { network } = await loadModel('test', folderReader('test', model))
  expect((await studentOf(config))?.weights).toEqual(await readWeights(network))
})

it('trains on from there', async () => {
  const still = { steps: 1, optimiser: { rate: 1e-12 }, start: { buffered: 60, fresh: 60 } }
  const config = configOf('warm', { learn: still })
  const had = await studentOf(config)
  const { events } = await runSmall(config)
  const round = events.find((one) => one.event === 'round')
  expect(round).toBeDefined()
  // Kernels hardly move at that rate; running statistics of batch norms are not trained by it.
  const kernels = (state: StudentState | undefined) => state?.weights[0]
  const moved = kernels(await studentOf(config))?.map(
    (value, i) => value - (kernels(had)?.[i] ?? 0),
  )
  expect(Math.max(...(moved ?? []).map(Math.abs))).toBeLessThan(1e-6)
})

it('refuses both flags for a lineage that has begun, and names the ways out', async () => {
  for (const beginning of [{ warmStart: model }, { from: 'latest' as const }]) {
    const again = runSmall(configOf('warm'), { beginning })
    await expect(again).rejects.toThrow(/warm has one; leave them out to resume it, or .*--lineage/)
  }
})

it('refuses a model of another dimension, or of other pictures', async () => {
  const beginning = { warmStart: model }
  const wide = configOf('wide', { model: { backbone: 'conv4', dim: 32 } })
  await expect(runSmall(wide, { beginning })).rejects.toThrow(/model.dim/)
  const coloured = configOf('coloured', { image: { channels: 'rgb' } })
  await expect(runSmall(coloured, { beginning })).rejects.toThrow(/channels "grey", not "rgb"/)
})

it('takes in only what comes after it began, or after a time', async () => {
  const now = configOf('now')
  expect((await runSmall(now, { beginning: { from: 'latest' } })).summary.applied).toBe(0)
  const since = Date.now()
  await writeGlyphs(small.pictures, 8, 2, 200)
  expect((await runSmall(now)).summary.applied).toBe(16)
  const late = configOf('late')
  expect((await runSmall(late, { beginning: { from: since } })).summary.applied).toBe(16)
  expect((await runSmall(late)).summary.applied).toBe(16)
})

it('learns other pictures beside the version that serves', async () => {
  const start = { buffered: 60, fresh: 60 }
  const config = configOf('large', {
    image: { size: 32 },
    learn: { steps: 2, k: 8, start },
  })
  const before = await versionsOf(config)
  const { events, summary } = await runSmall(config)
  // Its own frozen backbone at least, numbered above every other version.
  const after = await versionsOf(config)
  expect(after.at(-before.length - 1)).toBe((before[0] ?? 0) + 1)
  const served = await pipelineOf(config, async ({ registry }) => registry.stable.read())
  expect(events.find((one) => one.event === 'round')).toBeDefined()
  expect(events).toContainEqual(
    expect.objectContaining({ event: 'note', text: expect.stringContaining('learns beside it') }),
  )
  expect(summary.stable).not.toBe(served?.version)
})
