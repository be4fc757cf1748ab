import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { checkConfig } from '../../lib/config/load.ts'
import { encodePng } from '../../lib/image/encode.ts'
import { ingester } from '../../lib/service/ingester.ts'
import { openPipeline, type Pipeline } from '../../lib/service/open-pipeline.ts'

let folder: string
let pictures: string
let pipeline: Pipeline

const configured = (floor: string) =>
  checkConfig({ data: join(folder, 'data'), ingest: { folders: [pictures] }, disk: { floor } })

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'contrastream-ingest-'))
  pictures = join(folder, 'pictures')
  mkdirSync(pictures)
  for (const level of [10, 200]) {
    const png = await encodePng(new Uint8Array(20 * 20 * 3).fill(level), 20, 20)
    writeFileSync(join(pictures, `${level}.png`), png)
  }
  writeFileSync(join(pictures, 'notes.txt'), 'not for us')
  writeFileSync(join(pictures, 'wrong.jpg'), 'not a picture')
  pipeline = await openPipeline(configured('1B'))
})

afterEach(async () => {
  await pipeline.close()
  rmSync(folder, { recursive: true, force: true })
})

it('sends each picture once, sets a bad file aside and leaves other files alone', async () => {
  const config = configured('1B')
  const first = ingester(pipeline, config, Date.now, () => undefined)
  await first.scan()
  expect(first.progress).toEqual({ found: 3, sent: 2, known: 0, quarantined: 1, ignored: 1 })
  const again = ingester(pipeline, config, Date.now, () => undefined)
  await again.scan()
  expect(again.progress).toEqual({ found: 3, sent: 0, known: 3, quarantined: 0, ignored: 1 })
})

it('sends what links lead to, and sets a link to nothing aside until there is something', async () => {
  const png = await encodePng(new Uint8Array(20 * 20 * 3).fill(90), 20, 20)
  writeFileSync(join(folder, 'stored'), png)
  symlinkSync('../stored', join(pictures, 'linked.png'))
  symlinkSync('../later', join(pictures, 'later.png'))
  const one = ingester(pipeline, configured('1B'), Date.now, () => undefined)
  await one.scan()
  const first = { found: 4, sent: 3, known: 0, quarantined: 2, ignored: 1 }
  expect(one.progress).toEqual(first)
  await one.scan()
  expect(one.progress).toEqual(first)
  writeFileSync(join(folder, 'later'), png)
  await one.scan()
  expect(one.progress).toEqual({ ...first, found: 5, sent: 4 })
})

it('takes nothing in while the disk is below its floor, and says so once', async () => {
  const told: string[] = []
  const waiting = ingester(pipeline, configured('900000GiB'), Date.now, (text) => {
    told.push(text)
    waiting.stop()
  })
  await waiting.scan()
  expect(told).toHaveLength(1)
  expect(told[0]).toMatch(/intake waits: \d+ bytes free on disk/)
  expect(waiting.progress.sent).toBe(0)
  const [mark] = await pipeline.stream.watermarks('images.unlabeled')
  expect(mark?.high).toBe(0)
})

it('takes nothing in while the log is full, and goes on once there is room', async () => {
  const told: string[] = []
  let why: string | undefined = 'the log is full'
  const config = configured('1B')
  const waiting = ingester(
    pipeline,
    config,
    Date.now,
    (text) => {
      told.push(text)
      expect(waiting.progress.sent).toBe(0)
      why = undefined
    },
    () => why,
  )
  await waiting.scan()
  expect([told, waiting.progress.sent]).toEqual([['intake waits: the log is full'], 2])
})
