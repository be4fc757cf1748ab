import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { s3Documents } from '../../lib/store/s3-documents.ts'
import { s3Keys } from '../../lib/store/s3-place.ts'
import type { DocumentStore, JsonObject, Write } from '../../lib/store/types.ts'
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

const conflict: HttpFault = { is: 'answer', status: 409, code: 'ConditionalRequestConflict' }
const broken: HttpFault = { is: 'answer', status: 500, code: 'InternalError' }
/** Ways to leave a write without an answer; the second half is stored. */
const unanswered: readonly (readonly [string, HttpFault])[] = [
  ['a 500', broken],
  ['a 503', { is: 'answer', status: 503, code: 'SlowDown' }],
  ['a reset', { is: 'reset' }],
  ['silence', { is: 'silence' }],
  ['a 500 after it was stored', { is: 'answer-after', status: 500, code: 'InternalError' }],
  ['a reset after it was stored', { is: 'lost-answer' }],
  ['silence after it was stored', { is: 'silence-after' }],
]

let site: S3Site
let store: DocumentStore
let others: DocumentStore
beforeEach(async () => {
  site = await s3Site()
  store = s3Documents(site.client(1_500), site.place, hasty)
  others = s3Documents(site.server, site.place, hasty)
})
afterEach(() => site.dispose())

const puts = () => site.proxy.seen.filter(({ method }) => method === 'PUT')
const isPut = ({ method }: { method: string }) => method === 'PUT'

async function created(value: JsonObject = { n: 1 }): Promise<string> {
  return tagOf(await others.create('a', value))
}

function tagOf(write: Write): string {
  if (write.ok) return write.tag
  throw new Error(`expected a write that wins, got ${JSON.stringify(write)}`)
}

describe('412 and 404', () => {
  it('means lost to a create and a swap that came later', async () => {
    const tag = await created()
    expect(await store.create('a', { n: 2 })).toEqual({
      ok: false,
      current: { value: { n: 1 }, tag },
    })
    const next = tagOf(await others.swap('a', { n: 2 }, tag))
    expect(await store.swap('a', { n: 3 }, tag)).toEqual({
      ok: false,
      current: { value: { n: 2 }, tag: next },
    })
    expect(puts()).toHaveLength(2)
  })

  it('means lost to a swap of what is gone', async () => {
    const tag = await created()
    await others.remove('a', tag)
    expect(await store.swap('a', { n: 2 }, tag)).toEqual({ ok: false, current: undefined })
  })

  it('means won where somebody on the way sent our write twice', async () => {
    failing(site.proxy, [{ is: 'twice' }, { is: 'twice' }], isPut)
    const tag = tagOf(await store.create('a', { n: 1 }))
    expect(await others.read('a')).toEqual({ value: { n: 1 }, tag })
    const next = tagOf(await store.swap('a', { n: 2 }, tag))
    expect(await others.read('a')).toEqual({ value: { n: 2 }, tag: next })
  })
})

describe('409', () => {
  it('is tried again', async () => {
    failing(site.proxy, [conflict, conflict, conflict], isPut)
    const tag = tagOf(await store.create('a', { n: 1 }))
    expect(await others.read('a')).toEqual({ value: { n: 1 }, tag })
    expect(puts()).toHaveLength(4)
  })

  it('is given up after eight attempts, as busy and never as lost', async () => {
    failingAlways(site.proxy, conflict, isPut)
    await expect(store.create('a', { n: 1 })).rejects.toMatchObject({
      code: 'STORE',
      reason: 'busy',
      retryable: true,
    })
    expect(puts()).toHaveLength(8)
    expect(await others.read('a')).toBeUndefined()
  })
})

describe('no answer', () => {
  it.each(unanswered)('%s to a create is settled by a look', async (_, fault) => {
    failing(site.proxy, [fault], isPut)
    const tag = tagOf(await store.create('a', { n: 1 }))
    expect(await others.read('a')).toEqual({ value: { n: 1 }, tag })
  })

  it.each(unanswered)('%s to a swap is settled by a look', async (_, fault) => {
    const first = await created()
    failing(site.proxy, [fault], isPut)
    const tag = tagOf(await store.swap('a', { n: 2 }, first))
    expect(await others.read('a')).toEqual({ value: { n: 2 }, tag })
  })

  it('and a write of others since leave it unknown: ours may have come before theirs', async () => {
    const first = await created()
    let isOurs = true
    site.proxy.plan = ({ method }) => {
      if (method === 'PUT') return { is: 'lost-answer' }
      if (!isOurs) return undefined
      isOurs = false
      return { is: 'late', until: replaceByOthers() }
    }
    const replaceByOthers = async () => {
      const found = await others.read('a')
      if (typeof found === 'object') await others.swap('a', { n: 3 }, found.tag)
    }
    await expect(store.swap('a', { n: 2 }, first)).rejects.toMatchObject({
      reason: 'unknown',
      retryable: true,
    })
    expect(await others.read('a')).toMatchObject({ value: { n: 3 } })
  })

  it('but a late arrival changes nothing any more', async () => {
    const first = await created()
    let arrive: () => void = () => undefined
    const until = new Promise<void>((resolve) => {
      arrive = resolve
    })
    failing(site.proxy, [{ is: 'late', until }], isPut)
    const tag = tagOf(await store.swap('a', { n: 2 }, first))
    arrive()
    await expect.poll(() => site.proxy.answered).toBe(site.proxy.seen.length)
    expect(await others.read('a')).toEqual({ value: { n: 2 }, tag })
  })

  it('for as long as we try is unknown, and says where and what to do', async () => {
    failingAlways(site.proxy, broken)
    await expect(store.create('a', { n: 1 })).rejects.toMatchObject({
      code: 'STORE',
      reason: 'unknown',
      retryable: true,
      message: expect.stringMatching(
        /^write s3:\/\/contrastream-test\/some\/where\/site-\d+\/docs\/a\.json: .*InternalError \(500\).*; read before you decide$/,
      ),
    })
  })

  it('leaves a write unknown although a refusal follows', async () => {
    const queue: HttpFault[] = [{ is: 'lost-answer' }]
    site.proxy.plan = () => queue.shift() ?? { is: 'answer', status: 403, code: 'AccessDenied' }
    await expect(store.create('a', { n: 1 })).rejects.toMatchObject({ reason: 'unknown' })
    expect(await others.read('a')).toMatchObject({ value: { n: 1 } })
  })

  it.each(unanswered)('%s to a remove is settled by a look', async (_, fault) => {
    const tag = await created()
    failing(site.proxy, [fault], ({ method }) => method === 'DELETE')
    expect(await store.remove('a', tag)).toBe(true)
    expect(await others.read('a')).toBeUndefined()
  })

  it.each([...unanswered, ['half a body', { is: 'cut-body' }] as const])(
    '%s to a read is asked again',
    async (_, fault) => {
      const tag = await created()
      failing(site.proxy, [fault])
      expect(await store.read('a')).toEqual({ value: { n: 1 }, tag })
      failing(site.proxy, [fault])
      expect(await store.list('')).toEqual(['a'])
    },
  )

  it('to any read is unavailable, for now', async () => {
    failingAlways(site.proxy, broken)
    const unavailable = { code: 'STORE', reason: 'unavailable', retryable: true }
    await expect(store.read('a')).rejects.toMatchObject(unavailable)
    await expect(store.list('a')).rejects.toMatchObject(unavailable)
  })
})

describe('304', () => {
  it('means unchanged, and carries no document', async () => {
    const tag = await created()
    expect(await store.read('a', tag)).toBe('unchanged')
    expect(site.proxy.seen.at(-1)?.headers['if-none-match']).toBe(tag)
  })
})

describe('s3Documents', () => {
  it('stores a document where it is looked for, with a nonce that no reader sees', async () => {
    await store.create('lease/learn', { format: 1 })
    const path = `${s3Keys(site.place).root}docs/lease/learn.json`
    expect(site.proxy.seen.at(-1)?.path).toContain(path)
    expect(await store.read('lease/learn')).toMatchObject({ value: { format: 1 } })
  })

  it('keeps a document that has a nonce of its own', async () => {
    await store.create('a', { nonce: 'mine' })
    expect(await store.read('a')).toMatchObject({ value: { nonce: 'mine' } })
  })

  it.each(['', 'no JSON', '[]', '{"value":{}}', '{"nonce":"n","value":null}'])(
    'calls %j damaged',
    async (text) => {
      await putText(site, s3Keys(site.place).document('a'), text)
      await expect(store.read('a')).rejects.toMatchObject({ code: 'STORE', reason: 'damaged' })
    },
  )

  it('creates again what was removed from a versioned bucket', async () => {
    const tag = await created()
    await store.remove('a', tag)
    const again = tagOf(await store.create('a', { n: 1 }))
    expect(again).not.toBe(tag)
    expect(await store.swap('a', { n: 2 }, tag)).toMatchObject({ ok: false })
  })

  it('lists more keys than one answer of the server holds, in order', async () => {
    const keys = ['a', 'a-b', 'a.b', 'a/b', 'b', 'c', 'd', 'e'].map((key) => `many/${key}`)
    for (const key of keys) await others.create(key, {})
    shortPages(site.proxy, 3)
    expect(await store.list('many/')).toEqual(keys)
    expect(site.proxy.seen).toHaveLength(3)
    expect(await store.list('many/', { after: 'many/c' })).toEqual(['many/d', 'many/e'])
    expect(await store.list('many/', { after: 'many/a', limit: 2 })).toEqual([
      'many/a-b',
      'many/a.b',
    ])
  })

  it('has a condition on every write, as the bucket demands', async () => {
    const tag = tagOf(await store.create('a', { n: 1 }))
    await store.remove('a', tagOf(await store.swap('a', { n: 2 }, tag)))
    const writes = site.proxy.seen.filter(({ method }) => method !== 'GET' && method !== 'HEAD')
    expect(writes).toHaveLength(3)
    for (const { headers } of writes) {
      expect(headers['if-match'] ?? headers['if-none-match']).toBeDefined()
    }
  })
})
