import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { encodePng } from '../../lib/image/encode.ts'
import { openDatabase } from '../../lib/service/database.ts'
import { glyphPicture, glyphSize } from '../../lib/service/demo-glyphs.ts'
import { sqliteDocuments } from '../../lib/store/sqlite.ts'
import { contrastream, type Ended, start } from './program.ts'

const photos = resolve('../shared/data/grocery-64')
const backbone = resolve('../shared/models/mobilenet_v1_0.25_128')

let folder: string
let pictures: string
let settings: readonly string[]
let real: boolean

/** Real photographs where they are at hand, else generated glyphs; it says which. */
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'contrastream-e2e-'))
  pictures = join(folder, 'pictures')
  real = existsSync(photos) && existsSync(backbone)
  const pairs = ['learn.steps=15', 'learn.recluster=10']
  if (real) pairs.push(`model.backbone=${backbone}`, 'image.size=64')
  else {
    console.log(`no pictures at ${photos}: this run uses generated ones`)
    pairs.push('model.backbone=conv4')
  }
  settings = ['--data', join(folder, 'data'), ...pairs.flatMap((pair) => ['--set', pair])]
  for (let kind = 0; kind < 10; kind += 1) {
    const into = join(pictures, `class-${kind}`)
    mkdirSync(into, { recursive: true })
    const from = join(
      photos,
      readdirSync(real ? photos : '.').filter((n) => /^\d/.test(n))[kind] ?? '',
    )
    for (let number = 0; number < 22; number += 1) {
      if (real) {
        const name = readdirSync(from)[number] as string
        copyFileSync(join(from, name), join(into, name))
      } else {
        const png = await encodePng(glyphPicture(5, kind, number), glyphSize, glyphSize)
        writeFileSync(join(into, `${number}.png`), png)
      }
    }
  }
  writeFileSync(join(pictures, 'empty.jpg'), '')
  writeFileSync(join(pictures, 'text.png'), 'no picture at all')
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

const run = (killAfterMs?: number): Promise<Ended> =>
  contrastream(['run', pictures, '--until', 'idle', ...settings], {
    ...(killAfterMs !== undefined && { killAfterMs }),
  })

it('applies every picture once, whenever it is killed, and sets bad files aside', async () => {
  for (const ms of [700, 1_500, 2_500, 4_000]) await run(ms)
  const { code, lines, errors } = await run()
  const summary = lines.at(-1)
  expect(errors).not.toContain('error:')
  expect(code).toBe(0)
  expect(summary).toMatchObject({ event: 'summary', applied: 220 })
  expect(summary?.['stable']).toMatch(/^v\d+-[0-9a-f]{12}$/)
  expect(Number(summary?.['rounds'])).toBeGreaterThan(0)
  const { lines: aside } = await contrastream(['quarantine', 'list', ...settings])
  expect(aside.map((line) => line['code']).sort()).toEqual(['IMAGE_SIZE', 'IMAGE_TYPE'])
})

it('sends nothing again when it is started again', async () => {
  const { lines } = await run()
  expect(lines.at(-1)).toMatchObject({ applied: 220 })
  expect(lines.filter(({ event }) => event === 'round')).toEqual([])
})

it('writes the fence of the last learner into what an earlier one could still move', async () => {
  const database = openDatabase(join(folder, 'data'))
  const documents = sqliteDocuments(database)
  const fenceOf = async (key: string) => {
    const found = await documents.read(key)
    return found === undefined || found === 'unchanged' ? undefined : found.value['fence']
  }
  const fence = await fenceOf('lease/learn')
  const written = [await fenceOf('channels/candidate'), await fenceOf('checkpoint/main/head')]
  database.close()
  expect(Number(fence)).toBeGreaterThan(1)
  expect(written).toEqual([fence, fence])
})

it('embeds by the stable version, and measures it beside the baseline', async () => {
  const [picture] = readdirSync(join(pictures, 'class-0'))
  const path = join(pictures, 'class-0', picture as string)
  const { lines } = await contrastream(['embed', path, ...settings])
  const embedding = lines[0]?.['embedding'] as number[]
  expect(Math.hypot(...embedding)).toBeCloseTo(1, 4)
  const { lines: found } = await contrastream([
    'eval',
    pictures,
    '--labels',
    'folders',
    ...settings,
  ])
  expect(found[0]).toMatchObject({ event: 'eval', images: 220, classes: 10 })
  expect(found[0]?.['mapAtR']).toBeGreaterThan(0)
})

it('refuses a second run on the same folder, and names its process', async () => {
  // The first one watches until it is killed; the second needs one beat of its lease to be sure.
  const ports = ['http.port=0', 'http.adminPort=0'].flatMap((pair) => ['--set', pair])
  const first = start(['run', pictures, ...ports, ...settings])
  await first.said('"event":"stable"')
  const second = await run()
  first.kill()
  expect(second.code).toBe(1)
  expect(second.errors).toContain(`another run (process ${first.pid}`)
  await first.ended
})

it('refuses other pictures under the same lineage, and names the way out', async () => {
  const { code, errors } = await contrastream([
    ...['run', ...settings, '--until', 'idle'],
    ...['--set', 'image.background="#000000"'],
  ])
  expect(code).toBe(2)
  expect(errors).toContain('--lineage')
})

it('names an unknown key and those beside it', async () => {
  const { code, errors } = await contrastream(['run', ...settings, '--set', 'learn.stpes=3'])
  expect(code).toBe(2)
  expect(errors).toMatch(/unknown key stpes at learn; known there: .*steps/)
})
