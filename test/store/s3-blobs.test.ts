import { createHash } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { s3Blobs } from '../../lib/store/s3-blobs.ts'
import { s3Keys } from '../../lib/store/s3-place.ts'
import type { BlobStore } from '../../lib/store/types.ts'
import type { HttpFault } from '../support/http-fault-proxy.ts'
import {
  failing,
  failingAlways,
  hasty,
  putText,
  type S3Site,
  s3Site,
  shortPages,
} from './s3-harness.ts'

const hour = 3_600_000
const maxBytes = 1_000_000
const bytes = Buffer.from('a picture')
const digest = createHash('sha256').update(bytes).digest('hex')
const conflict: HttpFault = { is: 'answer', status: 409, code: 'ConditionalRequestConflict' }
const broken: HttpFault = { is: 'answer', status: 500, code: 'InternalError' }

let site: S3Site
let store: BlobStore
let others: BlobStore
beforeEach(async () => {
  site = await s3Site()
  store = s3Blobs(site.client(1_500), site.place, { now: site.now, ...hasty })
  others = s3Blobs(site.server, site.place, { now: site.now, ...hasty })
})
afterEach(() => site.dispose())

type Method = { readonly method: string }
const isPut = ({ method }: Method) => method === 'PUT'
const isDelete = ({ method }: Method) => method === 'DELETE'
const sent = (concerns: (one: Method) => boolean) => site.proxy.seen.filter(concerns)
const ownKey = () => s3Keys(site.place).blob('pictures', digest)

/** Does something right before the first request of a kind reaches the server. */
function meanwhile(concerns: (one: Method) => boolean, work: () => Promise<unknown>): void {
  let isDone = false
  site.proxy.plan = (request) => {
    if (isDone || !concerns(request)) return undefined
    isDone = true
    return { is: 'late', until: work() }
  }
}

describe('put', () => {
  it('takes 412 for success where the same bytes are there, without reading them', async () => {
    await others.put('pictures', bytes)
    await store.put('pictures', bytes)
    expect(site.proxy.seen.map(({ method }) => method)).toEqual(['PUT', 'HEAD'])
  })

  it('sends the digest for the server to check', async () => {
    await store.put('pictures', bytes)
    expect(site.proxy.seen[0]?.headers['x-amz-checksum-sha256']).toBe(
      Buffer.from(digest, 'hex').toString('base64'),
    )
  })

  it('reads what a server kept no checksum of', async () => {
    await putText(site, ownKey(), bytes.toString())
    await store.put('pictures', bytes)
    expect(site.proxy.seen.map(({ method }) => method)).toEqual(['PUT', 'HEAD', 'GET'])
  })

  it('replaces what is shorter or other than its name says', async () => {
    for (const text of ['a', 'A PICTURE']) {
      await putText(site, ownKey(), text)
      await store.put('pictures', bytes)
      expect(await others.get('pictures', digest, { maxBytes })).toHaveLength(bytes.length)
    }
  })

  it('tries a conflict again, and is busy after eight', async () => {
    failing(site.proxy, [conflict, conflict], isPut)
    await store.put('pictures', bytes)
    expect(sent(isPut)).toHaveLength(3)
    failingAlways(site.proxy, conflict, isPut)
    await expect(store.put('models', bytes)).rejects.toMatchObject({
      reason: 'busy',
      retryable: true,
    })
    expect(sent(isPut)).toHaveLength(11)
  })

  it.each<readonly [string, HttpFault]>([
    ['a 500', broken],
    ['a reset', { is: 'reset' }],
    ['silence', { is: 'silence' }],
    ['a 500 after it was stored', { is: 'answer-after', status: 500, code: 'InternalError' }],
    ['a reset after it was stored', { is: 'lost-answer' }],
    ['bytes that arrived otherwise', { is: 'answer', status: 400, code: 'BadDigest' }],
  ])('is settled by a look after %s', async (_, fault) => {
    failing(site.proxy, [fault], isPut)
    await store.put('pictures', bytes)
    expect(await others.stat('pictures', digest)).toMatchObject({ bytes: bytes.length })
  })

  it('is unknown where the server stays silent for good', async () => {
    failingAlways(site.proxy, broken)
    await expect(store.put('pictures', bytes)).rejects.toMatchObject({
      reason: 'unknown',
      retryable: true,
      message: expect.stringContaining(`put s3://contrastream-test/${ownKey()}: `),
    })
  })

  it('gives a blob another tag each time it renews it', async () => {
    await store.put('pictures', bytes)
    for (let i = 0; i < 3; i++) {
      const before = await site.head(ownKey())
      site.advance(13 * hour)
      await store.put('pictures', bytes)
      expect((await site.head(ownKey())).ETag).not.toBe(before.ETag)
      expect((await store.stat('pictures', digest))?.ageMs).toBeLessThan(hour)
    }
  })
})

describe('delete', () => {
  it('leaves a blob that was put again while it looked', async () => {
    await others.put('pictures', bytes)
    site.advance(25 * hour)
    meanwhile(isDelete, () => others.put('pictures', bytes))
    expect(await store.delete('pictures', digest, { olderThanMs: 24 * hour })).toBe(false)
    expect(await others.get('pictures', digest, { maxBytes })).toHaveLength(bytes.length)
  })

  it('leaves the copy of a picture that was kept while it looked', async () => {
    await others.put('pictures', bytes)
    site.advance(2 * hour)
    meanwhile(isDelete, () => others.keep(digest))
    await store.delete('pictures', digest, { olderThanMs: hour })
    expect(await others.get('pictures', digest, { maxBytes })).toHaveLength(bytes.length)
  })

  it.each<readonly [string, HttpFault]>([
    ['a 500', broken],
    ['a conflict', conflict],
    ['a reset after it was done', { is: 'lost-answer' }],
  ])('is settled by a look after %s', async (_, fault) => {
    await others.put('pictures', bytes)
    failing(site.proxy, [fault], isDelete)
    expect(await store.delete('pictures', digest, { olderThanMs: 0 })).toBe(true)
    expect(await others.stat('pictures', digest)).toBeUndefined()
  })
})

describe('keep', () => {
  it('reads and puts, since a copy by the server carries no condition', async () => {
    await others.put('pictures', bytes)
    await store.keep(digest)
    expect(site.proxy.seen.map(({ method }) => method)).toEqual(['HEAD', 'GET', 'PUT'])
    expect(sent(isPut)[0]?.headers).not.toHaveProperty('x-amz-copy-source')
  })

  it('only looks at a picture that is kept already and young', async () => {
    await others.put('pictures', bytes)
    await others.keep(digest)
    expect(await store.keep(digest)).toBe(true)
    expect(site.proxy.seen.map(({ method }) => method)).toEqual(['HEAD', 'HEAD'])
  })

  it('restores the own object of a kept picture that has expired', async () => {
    await others.put('pictures', bytes)
    await others.keep(digest)
    await site.erase(ownKey())
    expect(await store.keep(digest)).toBe(true)
    await store.unkeep(digest)
    expect(await store.get('pictures', digest, { maxBytes })).toHaveLength(bytes.length)
  })

  it('does not keep bytes that are other ones', async () => {
    await putText(site, ownKey(), 'other')
    await expect(store.keep(digest)).rejects.toMatchObject({ reason: 'damaged' })
    expect((await others.stat('pictures', digest))?.kept).toBe(false)
  })
})

describe('get', () => {
  it.each<readonly [string, HttpFault]>([
    ['half a body', { is: 'cut-body' }],
    ['a reset', { is: 'reset' }],
    ['silence', { is: 'silence' }],
    ['a 503', { is: 'answer', status: 503, code: 'SlowDown' }],
  ])('asks again after %s', async (_, fault) => {
    await others.put('pictures', bytes)
    failing(site.proxy, [fault])
    expect(await store.get('pictures', digest, { maxBytes })).toHaveLength(bytes.length)
  })

  it('is unavailable, not damaged, where every answer breaks off', async () => {
    await others.put('pictures', bytes)
    failingAlways(site.proxy, { is: 'cut-body' })
    await expect(store.get('pictures', digest, { maxBytes })).rejects.toMatchObject({
      reason: 'unavailable',
      retryable: true,
    })
  })

  it('reads nothing of a body above the limit', async () => {
    await others.put('pictures', bytes)
    await expect(store.get('pictures', digest, { maxBytes: 3 })).rejects.toMatchObject({
      code: 'INPUT',
    })
    expect(site.proxy.seen).toHaveLength(1)
  })
})

describe('s3Blobs', () => {
  it('has a condition on every write, as the bucket demands', async () => {
    await store.put('pictures', bytes)
    await store.keep(digest)
    for (let i = 0; i < 3; i++) {
      site.advance(13 * hour)
      await store.put('pictures', bytes)
    }
    const isPart = ({ path }: { path: string }) => /partNumber=|uploads/.test(path)
    const writes = sent(({ method }) => method === 'PUT' || method === 'POST')
    const whole = writes.filter((one) => !isPart(one))
    expect(whole.length).toBeGreaterThan(5)
    for (const { headers } of whole) {
      expect(headers['if-match'] ?? headers['if-none-match']).toBeDefined()
    }
  })

  it('lists more blobs than one answer of the server holds, kept ones among them', async () => {
    const digests = await Promise.all(
      Array.from({ length: 12 }, (_, i) => others.put('pictures', Buffer.from(`${i}`))),
    )
    const kept = digests.slice(0, 5)
    for (const one of kept) await others.keep(one)
    await site.erase(s3Keys(site.place).blob('pictures', kept[2] as string))
    shortPages(site.proxy, 2)
    const listed = async (options: { kept?: boolean }) =>
      (await Array.fromAsync(store.list('pictures', options))).map((info) => info.digest)
    expect(await listed({})).toEqual(digests.toSorted())
    expect(await listed({ kept: true })).toEqual(kept.toSorted())
    expect(await listed({ kept: false })).toEqual(digests.slice(5).toSorted())
  })

  it('leaves objects alone that are none of its own', async () => {
    const foreign = `${s3Keys(site.place).blobs('pictures')}README`
    await putText(site, foreign, 'not ours')
    await store.put('pictures', bytes)
    expect(await Array.fromAsync(store.list('pictures'))).toHaveLength(1)
  })
})
