import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { writeLoudBackbone } from './loud-backbone.ts'
import { contrastream, type Ended, start } from './program.ts'
import { writeGlyphs } from './small-run.ts'

let folder: string
let pictures: string
let unseen: string
let settings: readonly string[]

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'contrastream-wasm-'))
  pictures = join(folder, 'pictures')
  unseen = join(folder, 'unseen')
  await writeGlyphs(pictures, 10, 24)
  await writeGlyphs(unseen, 10, 6, 24)
  await writeLoudBackbone(join(folder, 'backbone'))
  const pairs = [
    ...['engine=wasm', `model.backbone=${join(folder, 'backbone')}`, 'model.recipe=head'],
    ...['image.channels=grey', 'learn.steps=30', 'learn.k=10', 'limits.decoders=2'],
  ]
  settings = pairs.flatMap((pair) => ['--set', pair])
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const run = (data: string): Promise<Ended> =>
  contrastream(['run', pictures, '--until', 'idle', '--data', join(folder, data), ...settings])

/** Digests of the files of a version, by path. */
async function filesOf(data: string, version: string): Promise<unknown> {
  const asked = ['models', 'show', version, '--data', join(folder, data)]
  const { lines } = await contrastream(asked)
  return (lines[0]?.['manifest'] as { files: unknown } | undefined)?.files
}

it('learns a head from pictures to a gated version, the same one each time', async () => {
  const versions: string[] = []
  for (const data of ['first', 'second']) {
    const { code, lines, errors } = await run(data)
    expect([code, errors]).toEqual([0, ''])
    expect(lines[0]).toMatchObject({ event: 'engine', name: 'wasm' })
    const summary = lines.at(-1)
    expect(summary).toMatchObject({ event: 'summary', applied: 240, rounds: 1, verdict: 'promote' })
    expect(summary?.['stable']).toMatch(/^v2-/)
    versions.push(String(summary?.['stable']))
  }
  const [first, second] = versions as [string, string]
  const files = await filesOf('first', first)
  expect(files).toHaveLength(4)
  expect(await filesOf('second', second)).toEqual(files)
})

it('judges a second round in the space of the first', async () => {
  await writeGlyphs(pictures, 10, 24, 30)
  const { code, lines, errors } = await run('first')
  expect([code, errors]).toEqual([0, ''])
  const round = lines.find(({ event }) => event === 'round')
  expect(round).toMatchObject({
    round: 2,
    verdict: expect.stringMatching(/^(promote|hold|reject)$/),
  })
  expect(round?.['reason']).not.toBe('')
})

it('measures on classes beside the baseline', async () => {
  const asked = ['eval', unseen, '--labels', 'folders', '--data', join(folder, 'second')]
  const { code, lines } = await contrastream([...asked, ...settings])
  expect(code).toBe(0)
  expect(lines[0]).toMatchObject({ event: 'eval', images: 60, classes: 10 })
  const baseline = lines[0]?.['baseline'] as { mapAtR: number }
  expect(Number(lines[0]?.['mapAtR'])).toBeGreaterThan(baseline.mapAtR)
})

it('says in the demo what brings the engine that learns more', async () => {
  const demo = start(['demo', '--set', 'engine=wasm'])
  await demo.said('engine install')
  demo.signal('SIGINT')
  const { code, lines } = await demo.ended
  expect(code).toBe(130)
  const naming = lines.filter((line) => String(line['text']).includes('engine install'))
  expect(naming).toHaveLength(1)
})
