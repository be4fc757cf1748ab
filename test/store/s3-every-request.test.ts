import { createHash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { afterEach, describe, expect, it } from 'vitest'
import { StoreError } from '../../lib/errors.ts'
import { s3Blobs } from '../../lib/store/s3-blobs.ts'
import { s3Documents } from '../../lib/store/s3-documents.ts'
import type { BlobStore, DocumentStore } from '../../lib/store/types.ts'
import type { HttpFault, SeenRequest } from '../support/http-fault-proxy.ts'
import { hasty, type S3Site, s3Site } from './s3-harness.ts'

interface Stores {
  readonly blobs: BlobStore
  readonly documents: DocumentStore
}

/** One thing that a store is asked to do. */
interface Write {
  /** What is there before. */
  prepare(stores: Stores, site: S3Site): Promise<unknown>
  run(stores: Stores): Promise<unknown>
  /** What `run` answers when it has done it. */
  readonly done: unknown
  /** What anyone can see of it; one of the two, whatever fails. */
  see(stores: Stores): Promise<unknown>
  readonly before: unknown
  readonly after: unknown
}

const hour = 3_600_000
const bytes = Buffer.from('a picture')
const digest = createHash('sha256').update(bytes).digest('hex')
const nothing = async () => undefined
const put = ({ blobs }: Stores) => blobs.put('pictures', bytes)

/** Whether the picture is there, whole, young and kept; absence is undefined. */
async function picture({ blobs }: Stores): Promise<unknown> {
  const info = await blobs.stat('pictures', digest)
  const found = await blobs.get('pictures', digest, { maxBytes: bytes.length })
  if (info === undefined || found === undefined) return info
  return { text: Buffer.from(found).toString(), isYoung: info.ageMs < 12 * hour, kept: info.kept }
}

async function value({ documents }: Stores): Promise<unknown> {
  const found = await documents.read('a')
  return typeof found === 'object' ? found.value : found
}

/** The tag of what {@link value} shows. */
async function tagOf({ documents }: Stores): Promise<string> {
  const found = await documents.read('a')
  return typeof found === 'object' ? found.tag : ''
}

const young = { text: 'a picture', isYoung: true, kept: false }
const old = { ...young, isYoung: false }
const kept = { ...young, kept: true }
const won = expect.objectContaining({ ok: true })

const writes: Readonly<Record<string, Write>> = {
  'a put': {
    prepare: nothing,
    run: put,
    done: digest,
    see: picture,
    before: undefined,
    after: young,
  },
  'a put of what is there': {
    prepare: put,
    run: put,
    done: digest,
    see: picture,
    before: young,
    after: young,
  },
  'a put of what is old': {
    prepare: async (stores, site) => {
      await put(stores)
      site.advance(13 * hour)
    },
    run: put,
    done: digest,
    see: picture,
    before: old,
    after: young,
  },
  'a keep': {
    prepare: put,
    run: ({ blobs }) => blobs.keep(digest),
    done: true,
    see: picture,
    before: young,
    after: kept,
  },
  'a keep of what is old and kept': {
    prepare: async (stores, site) => {
      await put(stores)
      await stores.blobs.keep(digest)
      site.advance(13 * hour)
    },
    run: ({ blobs }) => blobs.keep(digest),
    done: true,
    see: picture,
    before: { ...kept, isYoung: false },
    after: kept,
  },
  'an unkeep': {
    prepare: async (stores) => {
      await put(stores)
      await stores.blobs.keep(digest)
    },
    run: ({ blobs }) => blobs.unkeep(digest),
    done: undefined,
    see: picture,
    before: kept,
    after: young,
  },
  'a delete': {
    prepare: put,
    run: ({ blobs }) => blobs.delete('pictures', digest, { olderThanMs: 0 }),
    done: true,
    see: picture,
    before: young,
    after: undefined,
  },
  'a create': {
    prepare: nothing,
    run: ({ documents }) => documents.create('a', { n: 1 }),
    done: won,
    see: value,
    before: undefined,
    after: { n: 1 },
  },
  'a swap': {
    prepare: ({ documents }) => documents.create('a', { n: 1 }),
    run: async (stores) => stores.documents.swap('a', { n: 2 }, await tagOf(stores)),
    done: won,
    see: value,
    before: { n: 1 },
    after: { n: 2 },
  },
  'a remove': {
    prepare: ({ documents }) => documents.create('a', { n: 1 }),
    run: async (stores) => stores.documents.remove('a', await tagOf(stores)),
    done: true,
    see: value,
    before: { n: 1 },
    after: undefined,
  },
}

const faults: Readonly<Record<string, HttpFault>> = {
  'a conflict': { is: 'answer', status: 409, code: 'ConditionalRequestConflict' },
  'a 500': { is: 'answer', status: 500, code: 'InternalError' },
  'a 500 after it is done': { is: 'answer-after', status: 500, code: 'InternalError' },
  'a reset': { is: 'reset' },
  'a lost answer': { is: 'lost-answer' },
  'half an answer': { is: 'cut-body' },
}

let site: S3Site | undefined
afterEach(() => site?.dispose())

/** Stores that go through the proxy, and others that do not: a process after a restart. */
async function open(
  write: Write,
): Promise<{ failing: Stores; sound: Stores; proxy: S3Site['proxy'] }> {
  await site?.dispose()
  const fresh = await s3Site()
  site = fresh
  const settings = { now: fresh.now, ...hasty }
  const storesOf = (client: S3Site['server']): Stores => ({
    blobs: s3Blobs(client, fresh.place, settings),
    documents: s3Documents(client, fresh.place, settings),
  })
  const sound = storesOf(fresh.server)
  await write.prepare(sound, fresh)
  return { failing: storesOf(fresh.client()), sound, proxy: fresh.proxy }
}

/** Only writes meet a conflict. */
function concerns(fault: HttpFault, { method }: SeenRequest): boolean {
  const isRead = method === 'GET' || method === 'HEAD'
  return !(isRead && fault.is === 'answer' && fault.status === 409)
}

const cases = Object.keys(writes).flatMap((what) =>
  Object.keys(faults).map((fault) => [what, fault] as const),
)

describe('every request of', () => {
  it.each(cases)('%s may meet %s, and it is done', async (what, name) => {
    const write = writes[what] as Write
    const fault = faults[name] as HttpFault
    for (let nth = 1; ; nth += 1) {
      const { failing, sound, proxy } = await open(write)
      let hasFailed = false
      proxy.plan = (request) => {
        if (proxy.seen.length !== nth || !concerns(fault, request)) return undefined
        hasFailed = true
        return fault
      }
      expect(await write.run(failing)).toEqual(write.done)
      expect(await write.see(sound)).toEqual(write.after)
      if (!hasFailed && proxy.seen.length < nth) return
    }
  })

  it.each(cases)(
    '%s may be the first of many to meet %s, and it is done or not',
    async (what, name) => {
      const write = writes[what] as Write
      const fault = faults[name] as HttpFault
      for (let nth = 1; ; nth += 1) {
        const { failing, sound, proxy } = await open(write)
        proxy.plan = (request) =>
          proxy.seen.length >= nth && concerns(fault, request) ? fault : undefined
        const isUnharmed = await write.run(failing).then(
          (answer) => {
            expect(answer).toEqual(write.done)
            return proxy.seen.length < nth
          },
          (error) => {
            expect(error).toBeInstanceOf(StoreError)
            expect(error).toMatchObject({ retryable: true })
            return false
          },
        )
        const seen = await write.see(sound)
        expect([write.before, write.after]).toContainEqual(seen)
        // A restart reads, and does what is not done.
        if (!isDeepStrictEqual(seen, write.after)) await write.run(sound)
        expect(await write.see(sound)).toEqual(write.after)
        if (isUnharmed) return
      }
    },
  )
})
