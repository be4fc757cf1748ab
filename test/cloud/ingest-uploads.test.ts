import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { type IngestParts, ingestUploads } from '../../lib/cloud/ingest-uploads.ts'
import { StoreError } from '../../lib/errors.ts'
import { imageId } from '../../lib/image/fingerprint.ts'
import { isErased, requestErasure } from '../../lib/service/erasures.ts'
import { quarantine } from '../../lib/service/quarantine.ts'
import { topicNames } from '../../lib/stream/topics.ts'
import { temporaryPipeline } from '../support/stores.ts'
import { jsonOf, limits, picture, recordsOf, uploadEvent } from './support.ts'

async function world(objects: Readonly<Record<string, Uint8Array>>) {
  const stores = await temporaryPipeline()
  const parts: IngestParts = {
    bucket: 'uploads',
    read: async (key) => objects[key],
    limits,
    accept: {
      ...stores,
      topic: topicNames.unlabeled,
      source: 'uploads',
      limits,
      hash: async (bytes) => createHash('sha256').update(bytes).digest('hex'),
      isErased: (id) => isErased(stores.documents, id),
    },
    quarantine: quarantine(stores.stream, topicNames.dead, 'ingest', () => 5),
  }
  const dead = async () => (await recordsOf(stores.stream, topicNames.dead)).map(jsonOf)
  return { stores, parts, dead }
}

describe('ingestUploads', () => {
  it('stores a picture and sends the envelope that names it', async () => {
    const bytes = await picture(1)
    const { stores, parts } = await world({ 'cats/a b.png': bytes })
    const counts = await ingestUploads(parts, uploadEvent([{ key: 'cats/a+b.png' }]), 1)
    expect(counts).toEqual({ accepted: 1, duplicates: 0, quarantined: 0, erased: 0 })
    const [record] = await recordsOf(stores.stream, topicNames.unlabeled)
    const id = imageId(bytes)
    expect(record && jsonOf(record)).toMatchObject({ v: 1, sha256: id, source: 'cats' })
    expect(await stores.blobs.get('pictures', id, { maxBytes: 100_000 })).toEqual(bytes)
  })

  it('counts a message that comes again, and stores nothing twice', async () => {
    const { parts } = await world({ a: await picture(1) })
    await ingestUploads(parts, uploadEvent([{ key: 'a' }]), 1)
    const again = await ingestUploads(parts, uploadEvent([{ key: 'a' }]), 1)
    expect(again).toMatchObject({ accepted: 1, duplicates: 1 })
  })

  it('sets a bad object aside with its reason, and takes the good ones', async () => {
    const huge = await picture(2)
    const objects = { good: await picture(1), text: Buffer.from('hello, this is text'), huge }
    const { parts, dead } = await world(objects)
    const keys = [{ key: 'text' }, { key: 'gone' }, { key: 'huge', size: 200_000 }, { key: 'good' }]
    const counts = await ingestUploads(parts, uploadEvent(keys), 1)
    expect(counts).toMatchObject({ accepted: 1, quarantined: 3 })
    expect((await dead()).map(({ code, envelope }) => [code, envelope])).toEqual([
      ['IMAGE_TYPE', expect.objectContaining({ key: 'text' })],
      ['MISSING', expect.objectContaining({ key: 'gone' })],
      ['IMAGE_SIZE', expect.objectContaining({ key: 'huge' })],
    ])
  })

  it('refuses by the size in the event, before anything is fetched', async () => {
    const { parts } = await world({})
    const read = () => Promise.reject(new Error('fetched'))
    const body = uploadEvent([{ key: 'huge', size: limits.bytes + 1 }])
    expect(await ingestUploads({ ...parts, read }, body, 1)).toMatchObject({ quarantined: 1 })
  })

  it('refuses a picture whose head tells too small a side', async () => {
    const { parts, dead } = await world({ a: await picture(1) })
    const strict = { ...parts, limits: { ...limits, minSide: 1_000 } }
    await ingestUploads(strict, uploadEvent([{ key: 'a' }]), 1)
    expect((await dead())[0]).toMatchObject({ code: 'IMAGE_SIZE' })
  })

  it('sets an object of another bucket aside', async () => {
    const { parts, dead } = await world({ a: await picture(1) })
    await ingestUploads(parts, uploadEvent([{ bucket: 'theirs', key: 'a' }]), 1)
    expect((await dead())[0]).toMatchObject({ code: 'INPUT', role: 'ingest' })
  })

  it('sets a message aside that is no event', async () => {
    const { parts, dead } = await world({})
    expect(await ingestUploads(parts, '{"hello":1}', 9)).toMatchObject({ quarantined: 1 })
    expect((await dead())[0]).toMatchObject({ code: 'INPUT', timestamp: 9, topic: 'uploads' })
  })

  it('takes no picture in that somebody asked to forget', async () => {
    const bytes = await picture(1)
    const { stores, parts } = await world({ a: bytes })
    await requestErasure(stores.documents, imageId(bytes), { by: 'me', at: 1, why: 'asked' })
    const counts = await ingestUploads(parts, uploadEvent([{ key: 'a' }]), 1)
    expect(counts).toMatchObject({ accepted: 0, erased: 1 })
    expect(await recordsOf(stores.stream, topicNames.unlabeled)).toEqual([])
  })

  it('lets a message come again while a store is out of order', async () => {
    const { parts, dead } = await world({})
    const read = () => Promise.reject(new StoreError('s3: expected an answer', { retryable: true }))
    const failing = ingestUploads({ ...parts, read }, uploadEvent([{ key: 'a' }]), 1)
    await expect(failing).rejects.toThrow('expected an answer')
    expect(await dead()).toEqual([])
  })
})
