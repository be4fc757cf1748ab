import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { randomStream } from '../../lib/engine/random.ts'
import { encodePng } from '../../lib/image/encode.ts'
import { preprocessingHash } from '../../lib/image/fingerprint.ts'
import type { Preprocessing } from '../../lib/image/options.ts'
import { emptyState, type Picture } from '../../lib/learn/state.ts'
import type { Manifest } from '../../lib/registry/manifest.ts'
import { manifestFile } from '../../lib/registry/version-files.ts'
import { makeBaseline } from '../../lib/service/baseline.ts'
import type { JsonObject } from '../../lib/store/types.ts'
import { move, smallModel, storeModel } from '../support/models.ts'
import { command, onPipeline, writeState } from './support.ts'

const side = 16
const count = 60
const settings = ['--set', 'model.backbone=conv4', '--set', 'image.channels=grey']

/** A picture of noise, always the same for a number. */
function pictureOf(number: number): Promise<Uint8Array> {
  const random = randomStream(1, 'picture', number)
  const pixels = Uint8Array.from({ length: side * side * 3 }, () => random.integer(256))
  return encodePng(pixels, side, side)
}

/** What was seen of the version when it was made. */
const watched = { silhouette: 0.25, uniformity: -1.5, alignment: 0.125, churn: null }

let folder = ''
let ids: readonly string[] = []
/** Publishes one more version of the same network, and makes it stable. */
let published: (n: number, change: Partial<Manifest>) => Promise<void>

/** Sixty pictures, the last thirty held out, and a version that compares pixels. */
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'contrastream-cli-'))
  const request = { backbone: 'conv4', size: side, channels: 'grey', cacheFolder: folder } as const
  const { files, dim, mean, std } = await makeBaseline(request, () => undefined)
  const preprocessing: Preprocessing = {
    size: side,
    channels: 'grey',
    background: '#808080',
    mean,
    std,
  }
  published = async (n, change) => {
    await onPipeline(folder, async ({ registry }) => {
      const { gate: _, ...manifest } = smallModel(n).manifest
      const version = await storeModel(registry, {
        files,
        manifest: {
          ...manifest,
          files: Object.entries(files).map(([path, one]) => manifestFile(path, one)),
          preprocessing: {
            hash: preprocessingHash(preprocessing),
            settings: { ...preprocessing } as unknown as JsonObject,
          },
          dim,
          centred: false,
          ...change,
        },
      })
      await registry.stable.move(version, { move })
    })
  }
  const gate = { verdict: 'promote', reason: 'made', details: { watched } } as const
  await published(1, { gate })
  await onPipeline(folder, async (pipeline) => {
    const { blobs } = pipeline
    const bytes = await Promise.all(Array.from({ length: count }, (_, i) => pictureOf(i)))
    ids = await Promise.all(bytes.map((one) => blobs.put('pictures', one)))
    const known = ids.map((id): Picture => ({ id, source: 'camera', at: 1, group: id }))
    const entries = known.slice(0, 30).map((picture, arrival) => ({
      ...picture,
      arrival,
      half: 'recent' as const,
      untrusted: 0,
      identity: arrival === 3 ? 5 : undefined,
    }))
    await writeState(pipeline, {
      ...emptyState,
      buffer: {
        ...emptyState.buffer,
        entries: new Map(entries.map((entry) => [entry.id, entry])),
        arrivals: 30,
      },
      heldOut: { a: known.slice(30), b: [], monitor: [] },
    })
  })
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

it.each([3, 35])('finds picture %i itself first, whether buffered or held out', async (number) => {
  const file = join(folder, `asked-${number}.png`)
  writeFileSync(file, await pictureOf(number))
  const args = ['search', file, '-k', '4', '--data', folder, '--json', ...settings]
  const { lines, code } = await command(...args)
  expect([code, lines.length]).toEqual([0, 4])
  expect(lines[0]).toMatchObject({ id: ids[number], source: 'camera' })
  expect(lines[0]?.['similarity']).toBeCloseTo(1, 4)
  expect(lines[0]?.['cluster']).toBe(number === 3 ? 5 : null)
  // Nobody has shown this version two pictures of one kind.
  expect(lines[0]?.['pSame']).toBeNull()
  const similarities = lines.map((line) => Number(line['similarity']))
  expect(similarities).toEqual(similarities.toSorted((a, b) => b - a))
})

it('fails for a file that is no picture', async () => {
  const file = join(folder, 'bad.png')
  writeFileSync(file, 'not a picture')
  const { error } = await command('search', file, '--data', folder, ...settings)
  expect(error).toMatchObject({ code: 'IMAGE_TYPE' })
})

it('holds a version that is no better than itself, with exit code 3', async () => {
  const { lines, code, error } = await command(
    'gate',
    'v1',
    '--data',
    folder,
    '--json',
    ...settings,
  )
  expect([code, error]).toEqual([3, undefined])
  expect(lines[0]).toMatchObject({ event: 'gate', verdict: 'hold', probes: { a: 30, b: 0 } })
})

it('shows what was watched when the version was made, which decides nothing', async () => {
  const args = ['gate', 'v1', '--data', folder, ...settings]
  const { silhouette, uniformity, alignment } = watched
  const [line] = (await command(...args, '--json')).lines
  expect(line?.['watched']).toEqual({ silhouette, uniformity, alignment })
  const { stdout } = await command(...args)
  expect(stdout).toMatch(/^silhouette, when made +0\.250$/m)
})

it('holds where too few pictures are held out, and says how many are missing', async () => {
  const profile = ['--set', 'learn.profile=standard']
  const args = ['gate', 'stable', '--data', folder, '--json', ...settings, ...profile]
  const { lines, code } = await command(...args)
  expect(code).toBe(3)
  expect(lines[0]).toMatchObject({ reason: expect.stringContaining('70 too few') })
})

it('says how likely two pictures are of one kind, and answers from the release before', async () => {
  await published(2, { calibration: { alpha: 0.5, beta: 0.1 } })
  const file = join(folder, 'asked-3.png')
  writeFileSync(file, await pictureOf(3))
  const args = ['search', file, '-k', '1', '--data', folder, '--json', ...settings]
  const [now] = (await command(...args)).lines
  expect(now?.['model']).toMatch(/^v2-/)
  expect(now?.['pSame']).toBeCloseTo(1 / (1 + Math.exp(-5)), 4)
  const [before] = (await command(...args, '--release', 'previous')).lines
  expect(before).toMatchObject({ id: ids[3], pSame: null })
  expect(before?.['model']).toMatch(/^v1-/)
})
