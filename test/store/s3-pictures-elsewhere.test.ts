import { CreateBucketCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { checkConfig } from '../../lib/config/load.ts'
import { decodeImage } from '../../lib/image/decode.ts'
import { imageId } from '../../lib/image/fingerprint.ts'
import { defaultPreprocessing } from '../../lib/image/options.ts'
import { picturesElsewhere } from '../../lib/service/pictures-elsewhere.ts'
import { quarantine } from '../../lib/service/quarantine.ts'
import { type RecordOutcome, readRecords } from '../../lib/service/record-pictures.ts'
import { type Envelope, writeEnvelope } from '../../lib/stream/envelope.ts'
import { topicNames } from '../../lib/stream/topics.ts'
import { limits, picture, recordsOf } from '../cloud/support.ts'
import { type TemporaryStores, temporaryPipeline } from '../support/stores.ts'
import { type S3Site, s3Site } from './s3-harness.ts'

let site: S3Site
let stores: TemporaryStores
beforeEach(async () => {
  site = await s3Site()
  stores = await temporaryPipeline()
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'test')
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test')
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await site.dispose()
})

/** Puts a picture into a bucket of its own. */
async function stored(bucket: string, key: string, bytes: Uint8Array): Promise<void> {
  await site.server.send(new CreateBucketCommand({ Bucket: bucket }))
  await site.server.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: bytes }))
}

/** What becomes of an envelope, where these places are allowed. */
async function take(envelope: Envelope, allow: readonly string[]): Promise<RecordOutcome> {
  const endpoint = await site.client().config.endpoint?.()
  const url = `http://${endpoint?.hostname}:${endpoint?.port}`
  const config = checkConfig({ store: { allow, s3: { endpoint: url, pathStyle: true } } })
  const reader = {
    role: 'learn' as const,
    blobs: stores.blobs,
    decoders: { decode: (bytes: Uint8Array) => decodeImage(bytes, limits, defaultPreprocessing) },
    quarantine: quarantine(stores.stream, topicNames.dead, 'learn', () => 5),
    elsewhere: picturesElsewhere(config),
    maxBytes: limits.bytes,
    wasSeen: () => false,
    isErased: () => false,
  }
  const record = {
    key: undefined,
    offset: 0,
    timestamp: 1,
    headers: {},
    value: writeEnvelope(envelope),
  }
  const [outcome] = await readRecords(reader, `${topicNames.unlabeled}/0`, [record])
  return outcome as RecordOutcome
}

/** Why the only record that was set aside was. */
async function reason(): Promise<{ readonly code: string; readonly message: string }> {
  const [record] = await recordsOf(stores.stream, topicNames.dead)
  return JSON.parse(new TextDecoder().decode(record?.value))
}

async function envelopeOf(bytes: Uint8Array, store: string, key: string): Promise<Envelope> {
  const sha256 = imageId(bytes)
  const mediaType = 'image/png'
  return { v: 1, sha256, bytes: bytes.length, mediaType, source: 's', ref: { store, key } }
}

it('takes a picture from a folder that is allowed, and keeps it as its own', async () => {
  const bytes = await picture(1)
  await stored('archive-a', 'catalogue/1.png', bytes)
  const envelope = await envelopeOf(bytes, 'archive-a', 'catalogue/1.png')
  expect((await take(envelope, ['archive-a/catalogue'])).outcome).toBe('picture')
  const own = await stores.blobs.get('pictures', envelope.sha256, { maxBytes: limits.bytes })
  expect(own).toEqual(bytes)
})

it.each([
  ['another bucket', ['archive-c']],
  ['another folder', ['archive-b/cat']],
  ['nothing', []],
])('sets a picture aside where %s is allowed, and names the place', async (_, allow) => {
  const bytes = await picture(2)
  const envelope = await envelopeOf(bytes, 'archive-b', 'catalogue/2.png')
  expect(await take(envelope, allow)).toEqual({ outcome: 'quarantined' })
  const { code, message } = await reason()
  expect(code).toBe('INPUT')
  expect(message).toContain('store.allow')
  expect(message).toContain('archive-b/catalogue/2.png')
})

it('sets aside what is another picture than the envelope says, or gone', async () => {
  await stored('archive-d', '3.png', await picture(3))
  const wrong = await envelopeOf(await picture(4), 'archive-d', '3.png')
  expect(await take(wrong, ['archive-d'])).toEqual({ outcome: 'quarantined' })
  expect((await reason()).message).toContain(`expected ${wrong.sha256} at archive-d/3.png`)
  const gone = await envelopeOf(await picture(4), 'archive-d', '4.png')
  expect(await take(gone, ['archive-d'])).toEqual({ outcome: 'quarantined' })
  const records = await recordsOf(stores.stream, topicNames.dead)
  expect(new TextDecoder().decode(records[1]?.value)).toContain('MISSING')
})
