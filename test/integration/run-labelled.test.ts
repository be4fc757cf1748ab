import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { imageId } from '../../lib/image/fingerprint.ts'
import { openPipeline } from '../../lib/service/open-pipeline.ts'
import { readState } from '../../lib/service/read-state.ts'
import { command } from '../cli/support.ts'
import { runSmall, type SmallFolder, smallConfig, smallFolder } from './small-run.ts'

let small: SmallFolder
/** Of the streamed pictures, four kinds are labelled too. */
let labels: string
let labelled: readonly string[]

beforeAll(async () => {
  small = await smallFolder()
  labels = join(small.folder, 'labels.csv')
  const rows = [0, 1].flatMap((kind) =>
    readdirSync(join(small.pictures, `kind-${kind}`)).map(
      (name) => `pictures/kind-${kind}/${name},${kind}`,
    ),
  )
  writeFileSync(labels, ['picture,class', ...rows].join('\n'))
  labelled = rows.map((row) => imageId(readFileSync(join(small.folder, row.split(',')[0] ?? ''))))
})
afterAll(() => small.remove())

const bufferOf = async (config: ReturnType<typeof smallConfig>) => {
  const pipeline = await openPipeline(config)
  try {
    return (await readState(pipeline)).state.buffer
  } finally {
    await pipeline.close()
  }
}

it('takes labelled pictures out of training, and lets them judge', async () => {
  // Without labels first: then the buffer holds some of the pictures that are labelled later.
  const before = smallConfig(small, { learn: { start: { buffered: 1_000 } } })
  await runSmall(before)
  const had = [...(await bufferOf(before)).entries.keys()].filter((id) => labelled.includes(id))
  expect(had.length).toBeGreaterThan(10)

  const config = smallConfig(small, { gate: { labels } })
  const { events, summary } = await runSmall(config)
  const round = events.find((one) => one.event === 'round')
  expect(Object.keys(round?.comparisons ?? {})).toEqual(['MAP@R on labels', 'Recall@1 on labels'])
  expect(summary.applied).toBe(176)
  const { entries, rejected } = await bufferOf(config)
  expect([...entries.keys()].filter((id) => labelled.includes(id))).toEqual([])
  expect(rejected['labelled']).toBe(had.length)
  expect(round?.pictures).toBe(entries.size)
})

it('judges a version again on the labels', async () => {
  const settings = ['model.backbone=conv4', 'image.channels=grey', `gate.labels=${labels}`]
  const set = settings.flatMap((one) => ['--set', one])
  const data = join(small.folder, 'data')
  const { lines } = await command('gate', 'stable', '--data', data, ...set, '--json')
  expect(lines[0]).toMatchObject({ probes: { labelled: 44 } })
  expect(lines[0]?.['comparisons']).toHaveProperty('MAP@R on labels')
})
