import { ListObjectsV2Command } from '@aws-sdk/client-s3'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { checkBucket } from '../../lib/store/s3-check.ts'
import type { S3Place } from '../../lib/store/s3-place.ts'
import { s3Keys } from '../../lib/store/s3-place.ts'
import { failingAlways, hasty, type S3Site, s3Site } from './s3-harness.ts'

let site: S3Site
beforeEach(async () => {
  site = await s3Site()
})
afterEach(() => site.dispose())

const check = (place: Partial<S3Place> = {}) =>
  checkBucket(site.client(), { ...site.place, ...place }, hasty)

/** What was found wrong. */
async function faultsWithout(...headers: string[]): Promise<readonly string[]> {
  failingAlways(site.proxy, { is: 'without', headers })
  return (await check()).filter(({ ok }) => !ok).map(({ what }) => what)
}

it('finds every promise kept by a server that keeps them', async () => {
  const findings = await check()
  expect(findings.filter(({ ok }) => !ok)).toEqual([])
  expect(findings.map(({ what }) => what)).toContain('If-Match on DELETE')
})

it('leaves nothing behind', async () => {
  await check()
  const { server, place } = site
  expect(await listed(server, place)).toEqual([])
  await faultsWithout('if-match', 'if-none-match')
  expect(await listed(server, place)).toEqual([])
})

it('names each condition that a server ignores', async () => {
  expect(await faultsWithout('if-none-match')).toEqual(['If-None-Match', '304'])
  expect(await faultsWithout('if-match')).toEqual(['If-Match', 'If-Match on DELETE'])
})

it('tells apart a server that ignores conditions of deletes only', async () => {
  site.proxy.plan = ({ method }) =>
    method === 'DELETE' ? { is: 'without', headers: ['if-match'] } : undefined
  const wrong = (await check()).filter(({ ok }) => !ok)
  expect(wrong).toEqual([
    {
      what: 'If-Match on DELETE',
      ok: false,
      detail: expect.stringContaining('a delete under an older tag is refused'),
      remedy: expect.stringContaining('models gc'),
    },
  ])
})

it('says that there is no such bucket, and what to do', async () => {
  expect(await check({ bucket: 'absent-bucket' })).toEqual([
    {
      what: 'access',
      ok: false,
      detail: expect.stringMatching(/s3:\/\/absent-bucket\/.*NoSuchBucket.*create the bucket/),
      remedy: expect.any(String),
    },
  ])
})

it('says that nobody answers', async () => {
  failingAlways(site.proxy, { is: 'reset' })
  expect(await check()).toMatchObject([{ what: 'access', ok: false }])
})

async function listed(server: S3Site['server'], place: S3Place): Promise<unknown[]> {
  const Prefix = s3Keys(place).root
  const { Contents = [] } = await server.send(
    new ListObjectsV2Command({ Bucket: place.bucket, Prefix }),
  )
  return Contents
}
