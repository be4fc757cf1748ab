import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { ListObjectsV2Command } from '@aws-sdk/client-s3'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { checkConfig } from '../../lib/config/load.ts'
import type { ConfigInput } from '../../lib/config/schema.ts'
import { openPipeline } from '../../lib/service/open-pipeline.ts'
import { command, temporaryFolder } from '../cli/support.ts'
import { credentials, failingAlways, type S3Site, s3Site } from './s3-harness.ts'

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

function settings(data: string): ConfigInput & { readonly data: string } {
  const { bucket, prefix, name } = site.place
  const s3 = { bucket, prefix, endpoint: site.proxy.url, pathStyle: true }
  return { name, data, store: { adapter: 's3', s3 } }
}

it('keeps documents and blobs of a pipeline in the bucket, and none in the data folder', async () => {
  const config = settings(temporaryFolder())
  const pipeline = await openPipeline(checkConfig(config))
  const digest = await pipeline.blobs.put('pictures', Buffer.from('a picture'))
  await pipeline.close()
  const listed = await site.server.send(new ListObjectsV2Command({ Bucket: site.place.bucket }))
  const own = (listed.Contents ?? [])
    .map(({ Key = '' }) => Key)
    .filter((key) => key.startsWith(`some/where/${site.place.name}/`))
  expect(own).toContain(
    `some/where/${site.place.name}/blobs/pictures/${digest.slice(0, 2)}/${digest}`,
  )
  expect(own.some((key) => /\/docs\/.*\.json$/.test(key))).toBe(true)
  expect(existsSync(join(config.data, 'blobs'))).toBe(false)
})

it('opens what another machine has left in the bucket', async () => {
  const first = await openPipeline(checkConfig(settings(temporaryFolder())))
  await first.documents.create('a', { n: 1 })
  await first.close()
  const second = await openPipeline(checkConfig(settings(temporaryFolder())))
  expect(await second.documents.read('a')).toMatchObject({ value: { n: 1 } })
  await second.close()
})

it('lets doctor try the bucket, and end with 3 where it ignores conditions', async () => {
  const { data, store } = settings(temporaryFolder())
  const s3 = Object.entries(store?.s3 ?? {}).flatMap(([key, value]) => [
    '--set',
    `store.s3.${key}=${value}`,
  ])
  const doctor = () =>
    command('doctor', '--data', data, '--json', '--set', 'store.adapter=s3', ...s3)
  const ofBucket = (lines: readonly Readonly<Record<string, unknown>>[]) =>
    lines.filter(({ what }) => String(what).startsWith('bucket '))
  const sound = ofBucket((await doctor()).lines)
  expect(sound.length).toBeGreaterThan(5)
  expect(sound.filter(({ ok }) => ok !== true)).toEqual([])
  failingAlways(site.proxy, { is: 'without', headers: ['if-none-match'] })
  const { lines, code } = await doctor()
  expect(code).toBe(3)
  expect(ofBucket(lines)).toContainEqual(
    expect.objectContaining({
      what: 'bucket If-None-Match',
      ok: false,
      remedy: expect.any(String),
    }),
  )
})
