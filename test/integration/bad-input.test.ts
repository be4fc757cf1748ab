import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { selectEngine } from '../../lib/engine/select.ts'
import { saveArtifact, writeModelFolder } from '../../lib/model/artifact.ts'
import { conv4 } from '../../lib/model/conv4.ts'
import { openDatabase } from '../../lib/service/database.ts'
import { schemaHistory } from '../../lib/service/database-schema.ts'
import { busy, plain } from '../fixtures/image/pictures.ts'

import { contrastream, type Launch } from './program.ts'
import { writeGlyphs } from './small-run.ts'

/** Root reads and writes what it likes, unless it gives that right up. */
const withoutPrivilege: Launch =
  process.getuid?.() === 0
    ? { prefix: ['setpriv', '--bounding-set', '-dac_override,-dac_read_search', '--'] }
    : {}

const system = (program: string, ...args: readonly string[]) => spawnSync(program, args).status

/** Whether a small disk can be had here: root in a container often may not mount one. */
function mayMount(): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'contrastream-mount-'))
  const isMounted = system('mount', '-t', 'tmpfs', 'tmpfs', folder) === 0
  if (isMounted) system('umount', folder)
  else console.log('no right to mount a small disk: no run on a full one')
  rmSync(folder, { recursive: true })
  return isMounted
}
const canMount = mayMount()

const settings = [
  ...['--set', 'model.backbone=conv4', '--set', 'image.channels=grey'],
  ...['--set', 'disk.floor=1B', '--set', 'engine=wasm'],
]
let parent: string
let data: string

beforeAll(() => {
  parent = mkdtempSync(join(tmpdir(), 'contrastream-bad-'))
})
afterAll(() => rmSync(parent, { recursive: true, force: true }))
beforeEach(() => {
  data = mkdtempSync(join(parent, 'data-'))
})

const run = (folder: string, more: readonly string[] = [], launch: Launch = {}) =>
  contrastream(['run', folder, '--until', 'idle', '--data', data, ...settings, ...more], launch)

describe('bad files among good ones', () => {
  let pictures: string

  beforeAll(async () => {
    pictures = join(parent, 'pictures')
    mkdirSync(join(pictures, 'locked'), { recursive: true })
    const write = (name: string, bytes: Uint8Array | string) =>
      writeFileSync(join(pictures, name), bytes)
    const side = 12_000
    const bomb = sharp({
      create: { width: side, height: side, channels: 3, background: '#000000' },
      limitInputPixels: false,
    })
    const jpeg = await busy().jpeg().toBuffer()
    write('good.jpg', jpeg)
    write('empty.jpg', '')
    write('truncated.jpg', jpeg.subarray(0, jpeg.length / 2))
    write('many-bytes.png', new Uint8Array(600_000))
    write('bomb.png', await bomb.png().toBuffer())
    write('text.png', 'no picture at all')
    write('drawing.png', '<svg xmlns="http://www.w3.org/2000/svg"/>')
    write('animation.gif', await plain().gif().toBuffer())
    write(
      'tiny.png',
      await sharp(await plain().toFormat('png').toBuffer())
        .resize(8)
        .png()
        .toBuffer(),
    )
    write('unreadable.jpg', jpeg)
    write('locked/inside.jpg', jpeg)
    chmodSync(join(pictures, 'unreadable.jpg'), 0)
    chmodSync(join(pictures, 'locked'), 0)
  })
  afterAll(() => chmodSync(join(pictures, 'locked'), 0o700))

  it('are set aside with code and reason each, and the run goes on', async () => {
    const limit = ['--set', 'limits.bytes=500kB']
    const { code, lines, errors } = await run(pictures, limit, withoutPrivilege)
    expect([code, errors]).toEqual([0, ''])
    expect(lines.at(-1)).toMatchObject({ event: 'summary', applied: 1, quarantined: 10 })
    const aside = (await contrastream(['quarantine', 'list', '--data', data])).lines
    const reasons = aside.map((line) => `${line['code']} ${line['message']}`).sort()
    expect(reasons).toEqual([
      expect.stringMatching(/^IMAGE_DECODE .*expected a whole jpeg picture/),
      expect.stringMatching(/^IMAGE_SIZE .*empty\.jpg: expected 1 to 500000 bytes, got 0/),
      expect.stringMatching(/^IMAGE_SIZE .*many-bytes\.png: expected .* bytes, got 600000/),
      expect.stringMatching(/^IMAGE_SIZE .*at most 50000000 pixels, got 12000 × 12000/),
      expect.stringMatching(/^IMAGE_SIZE .*at least 16 pixels, got 8 × 6/),
      expect.stringMatching(/^IMAGE_TYPE .*drawing\.png: expected a picture/),
      expect.stringMatching(/^IMAGE_TYPE .*text\.png: expected a picture/),
      expect.stringMatching(/^IMAGE_TYPE .*got image\/gif/),
      expect.stringMatching(/^INPUT .*locked: expected a readable folder, got EACCES/),
      expect.stringMatching(/^INPUT .*unreadable\.jpg: expected a readable file, got EACCES/),
    ])
  })

  it('are read once their owner allows it', async () => {
    const limit = ['--set', 'limits.bytes=500kB']
    const locked = [join(pictures, 'locked'), join(pictures, 'unreadable.jpg')]
    await run(pictures, limit, withoutPrivilege)
    for (const path of locked) chmodSync(path, 0o700)
    const { lines } = await run(pictures, limit, withoutPrivilege)
    for (const path of locked) chmodSync(path, 0)
    expect(lines.at(-1)).toMatchObject({ event: 'summary', quarantined: 4, duplicates: 2 })
  })
})

describe('settings that no run can begin with', () => {
  let pictures: string
  beforeAll(() => {
    pictures = mkdtempSync(join(parent, 'pictures-'))
  })

  it.each([
    ['a folder that is not there', ['/no/such/photos'], 'something at /no/such/photos'],
    [
      'an unknown key',
      ['--set', 'learn.stpes=3'],
      /unknown key stpes at learn; known there: .*steps/,
    ],
    [
      'an unknown backbone',
      ['--set', 'model.backbone=resnet-9000'],
      /mobilenet-v2.*got resnet-9000/,
    ],
    [
      'a recipe beyond the engine',
      ['--set', 'model.recipe=scratch'],
      'contrastream engine install',
    ],
  ])('are refused before anything is made: %s', async (_, given, message) => {
    const fresh = join(data, 'fresh')
    const args = ['run', pictures, '--until', 'idle', '--data', fresh, ...settings, ...given]
    const { code, errors } = await contrastream(args)
    expect(code).toBe(2)
    expect(errors).toMatch(message)
    expect(existsSync(fresh)).toBe(false)
  })

  it.each([
    ['that is no JSON', '{"modelTopology":', 'model.json must be JSON'],
    ['of another format', '{"format":"graph-model"}', 'format layers-model, got graph-model'],
  ])('are refused by name: a model.json %s', async (_, text, message) => {
    const folder = mkdtempSync(join(parent, 'model-'))
    writeFileSync(join(folder, 'model.json'), text)
    const { code, errors } = await run(pictures, ['--set', `model.backbone=${folder}`])
    expect(code).toBe(2)
    expect(errors).toContain(`model.backbone: modelFromFolder(${folder})`)
    expect(errors).toContain(message)
    expect(errors).toContain('set model.backbone to')
  })
})

describe('a data folder', () => {
  let pictures: string
  beforeAll(async () => {
    pictures = mkdtempSync(join(parent, 'glyphs-'))
    await writeGlyphs(pictures, 2, 3)
  })

  it('of a newer format is refused with both numbers', async () => {
    const database = openDatabase(data)
    database.exec(`PRAGMA user_version = ${schemaHistory.version + 1}`)
    database.close()
    const { code, errors } = await run(pictures)
    expect(code).toBe(1)
    expect(errors).toContain(
      `format ${schemaHistory.version} or older, got format ${schemaHistory.version + 1}`,
    )
    expect(errors).toContain(data)
  })

  it('that cannot be written is refused by name, with the remedy', async () => {
    openDatabase(data).close()
    chmodSync(data, 0o500)
    const { code, errors } = await run(pictures, [], withoutPrivilege)
    chmodSync(data, 0o700)
    expect(code).toBe(1)
    expect(errors).toMatch(/open for writing, got: .*readonly.*; give this user the right to write/)
    expect(errors).toContain(data)
  })

  it('keeps its history to one backbone', async () => {
    await run(pictures)
    const folder = mkdtempSync(join(parent, 'model-'))
    const network = conv4({ size: 28, channels: 1, dim: 8 })
    await selectEngine('wasm')
    await writeModelFolder(folder, await saveArtifact(network))
    const { code, errors } = await run(pictures, ['--set', `model.backbone=${folder}`])
    expect(code).toBe(2)
    expect(errors).toContain('lineage main began with')
    expect(errors).toContain('--lineage')
  })

  it.runIf(canMount)('on a full disk ends the run, which goes on later', async () => {
    const system = (program: string, ...args: readonly string[]) => spawnSync(program, args).status
    expect(system('mount', '-t', 'tmpfs', '-o', 'size=400k', 'tmpfs', data)).toBe(0)
    try {
      const full = await run(pictures)
      expect(full.code).toBe(4)
      expect(full.errors).toContain(`room on the disk of ${data}`)
      expect(full.errors).toContain('free space')
      system('mount', '-o', 'remount,size=20m', 'tmpfs', data)
      const { code, lines } = await run(pictures)
      expect(code).toBe(0)
      expect(lines.at(-1)).toMatchObject({ event: 'summary', applied: 6 })
    } finally {
      system('umount', data)
    }
  })
})
