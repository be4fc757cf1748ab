import { expect, it } from 'vitest'
import { randomStream } from '../../lib/engine/random.ts'
import { encodePng } from '../../lib/image/encode.ts'
import { preprocessingHash } from '../../lib/image/fingerprint.ts'
import type { Preprocessing } from '../../lib/image/options.ts'
import { manifestFile } from '../../lib/registry/version-files.ts'
import { encodeBlock } from '../../lib/search/block.ts'
import { generations } from '../../lib/search/generations.ts'
import { makeBaseline } from '../../lib/service/baseline.ts'
import type { JsonObject } from '../../lib/store/types.ts'
import { move, smallModel, storeModel } from '../support/models.ts'
import { command, onPipeline, temporaryFolder } from './support.ts'

const side = 16
const count = 12
const settings = ['--set', 'model.backbone=conv4', '--set', 'image.channels=grey']

/** A real version that is stable, with an index of twelve pictures of noise. */
async function indexedFolder(): Promise<{ readonly folder: string; readonly version: string }> {
  const folder = temporaryFolder()
  const request = { backbone: 'conv4', size: side, channels: 'grey', cacheFolder: folder } as const
  const { files, dim, mean, std } = await makeBaseline(request, () => undefined)
  const look = { size: side, channels: 'grey', background: '#808080', mean, std }
  const preprocessing = {
    hash: preprocessingHash(look as Preprocessing),
    settings: { ...look } as unknown as JsonObject,
  }
  const named = Object.entries(files).map(([path, one]) => manifestFile(path, one))
  return onPipeline(folder, async ({ registry, blobs, documents }) => {
    const manifest = { ...smallModel(1).manifest, preprocessing, dim, centred: false }
    const entry = await storeModel(registry, { files, manifest: { ...manifest, files: named } })
    const random = randomStream(1, 'pictures')
    const pictures = await Promise.all(
      Array.from({ length: count }, () => {
        const pixels = Uint8Array.from({ length: side * side * 3 }, () => random.integer(256))
        return encodePng(pixels, side, side)
      }),
    )
    const ids = await Promise.all(pictures.map((one) => blobs.put('pictures', one)))
    const data = new Float32Array(count * dim)
    for (let row = 0; row < count; row += 1) data[row * dim] = 1
    const vectors = { rows: count, dim, data }
    const times = new Float64Array(count)
    const digest = await blobs.put('index', encodeBlock({ ids, times, vectors }))
    const { version, manifest: manifestDigest } = entry
    const begun = {
      version,
      manifest: manifestDigest,
      preprocessing: preprocessing.hash,
      dim,
      at: 1,
    }
    const all = generations(documents)
    const { id } = await all.create(begun, 1)
    const block = { digest, rows: count, partition: '0', oldest: 0, newest: 0 }
    await all.update(id, (one) => ({ ...one, state: 'ready', blocks: [block], recall: 1 }))
    await registry.stable.move({ ...entry, generation: id }, { move })
    return { folder, version }
  })
}

it('says what another index takes, asks for one, and shows both', async () => {
  const { folder, version } = await indexedFolder()
  const index = (...words: readonly string[]) =>
    command('index', ...words, '--data', folder, ...settings)
  const bytes = await onPipeline(folder, async ({ blobs }) => {
    for await (const one of blobs.list('index')) return one.bytes
    return 0
  })
  const [plan] = (await index('rebuild', '--plan', '--json')).lines
  expect(plan).toMatchObject({ event: 'rebuild-plan', version, vectors: count, bytes })
  expect(plan?.['seconds']).toBeGreaterThan(0)
  expect((await index('status', '--json')).lines).toHaveLength(1)

  const asked = await index('rebuild')
  expect(asked.stdout).toMatch(new RegExp(`^${version}\\.2 is asked for: ${count} pictures`))
  expect((await index('rebuild')).stdout).toBe(`${version}.2 is under way already\n`)
  const { stdout } = await index('status')
  expect(stdout).toMatch(
    new RegExp(`^${version}\\.1 .* ready, in service +${count} .* 1\\.000 +1\\.000$`, 'm'),
  )
  expect(stdout).toMatch(new RegExp(`^${version}\\.2 .* building +0 +0 B`, 'm'))
})

it('shows on a folder without an index who makes one', async () => {
  const folder = temporaryFolder()
  await onPipeline(folder, async () => undefined)
  const { stderr, code } = await command('index', 'status', '--data', folder)
  expect([code, stderr]).toEqual([0, 'no index yet: `contrastream run` makes it\n'])
  expect((await command('index', 'rebuild', '--data', folder)).error).toMatchObject({
    code: 'MISSING',
  })
})
