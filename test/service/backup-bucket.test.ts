import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { checkConfig } from '../../lib/config/load.ts'
import type { Config } from '../../lib/config/schema.ts'
import { openPipeline, type Pipeline } from '../../lib/service/open-pipeline.ts'
import { command, temporaryFolder } from '../cli/support.ts'
import { credentials, type S3Site, s3Site } from '../store/s3-harness.ts'
import { move, smallModel, storeModel } from '../support/models.ts'

let site: S3Site
beforeEach(async () => {
  site = await s3Site()
  vi.stubEnv('AWS_ACCESS_KEY_ID', credentials.accessKeyId)
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', credentials.secretAccessKey)
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await site.dispose()
})

/** Settings of a pipeline in the bucket, under another prefix for each place. */
function settings(data: string, prefix: string): readonly string[] {
  const { bucket, name } = site.place
  const s3 = { bucket, prefix, endpoint: site.proxy.url, pathStyle: 'true' }
  return [
    ...[`data=${data}`, `name=${name}`, 'store.adapter=s3'],
    ...Object.entries(s3).map(([key, value]) => `store.s3.${key}=${value}`),
  ].flatMap((pair) => ['--set', pair])
}

const configOf = (data: string, prefix?: string): Config => {
  const { bucket, name } = site.place
  const s3 = { bucket, prefix: prefix ?? '', endpoint: site.proxy.url, pathStyle: true }
  return checkConfig({ name, data, ...(prefix && { store: { adapter: 's3', s3 } }) })
}

async function on<T>(config: Config, work: (pipeline: Pipeline) => Promise<T>): Promise<T> {
  const pipeline = await openPipeline(config)
  try {
    return await work(pipeline)
  } finally {
    await pipeline.close()
  }
}

/** What a restored pipeline must have of the first one. */
const seen = (config: Config) =>
  on(config, async ({ registry, blobs, documents }) => {
    const stable = await registry.stable.read()
    const kept: string[] = []
    for await (const { digest } of blobs.list('pictures', { kept: true })) kept.push(digest)
    const keys = (await documents.list('')).filter((key) => !key.startsWith('lease/'))
    return { stable, files: (await registry.loadVersion('v1')).files, kept, keys }
  })

it('moves a pipeline from a bucket to another place in it, and to a data folder', async () => {
  const folder = temporaryFolder()
  const from = configOf(join(folder, 'first'), 'from')
  await on(from, async ({ registry, blobs }) => {
    const entry = await storeModel(registry, smallModel(1))
    await registry.stable.move(entry, { move, ifSeq: 0 })
    await blobs.keep(await blobs.put('pictures', Uint8Array.of(1)))
  })
  const target = join(folder, 'backup')
  const made = await command('backup', target, '--json', ...settings(from.data, 'from'))
  expect([made.code, made.lines[0]?.['damaged']]).toEqual([0, []])

  const second = join(folder, 'second')
  const moved = await command('restore', target, '--json', ...settings(second, 'to'))
  expect([moved.code, moved.error]).toEqual([0, undefined])
  expect(await seen(configOf(second, 'to'))).toEqual(await seen(from))
  const third = join(folder, 'third')
  const { name } = site.place
  const local = await command('restore', target, '--set', `data=${third}`, '--set', `name=${name}`)
  expect([local.code, local.stdout]).toEqual([0, expect.stringContaining('--lineage')])
  expect(await seen(configOf(third))).toEqual(await seen(from))

  const again = await command('restore', target, ...settings(join(folder, 'fourth'), 'to'))
  expect([again.code, String(again.error)]).toEqual([2, expect.stringContaining('no documents')])
})
