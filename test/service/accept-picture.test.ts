import { expect, it } from 'vitest'
import { type AcceptParts, acceptPicture } from '../../lib/service/accept-picture.ts'
import { readImageRecord } from '../../lib/stream/envelope.ts'
import { topicNames } from '../../lib/stream/topics.ts'
import type { InRecord, SendResult } from '../../lib/stream/types.ts'
import { busy, plain } from '../fixtures/image/pictures.ts'
import { type TemporaryStores, temporaryPipeline } from '../support/stores.ts'
import { idOf } from './http/support.ts'

const partsOf = (stores: TemporaryStores, change: Partial<AcceptParts> = {}): AcceptParts => ({
  blobs: stores.blobs,
  stream: stores.stream,
  topic: topicNames.unlabeled,
  source: 'http',
  limits: { bytes: 100_000, formats: ['jpeg', 'png', 'webp'] },
  hash: async (bytes) => idOf(bytes),
  isErased: async () => false,
  ...change,
})

/** All records of the input. */
async function recordsOf({ stream }: TemporaryStores): Promise<readonly InRecord[]> {
  const records: InRecord[] = []
  const [mark] = await stream.watermarks(topicNames.unlabeled)
  if (mark === undefined || mark.high === 0) return []
  const { promise, resolve } = Promise.withResolvers<void>()
  const reading = await stream.subscribe({
    topics: [topicNames.unlabeled],
    group: 'test',
    maxBatchBytes: 1 << 20,
    onAssign: async (all) => new Map(all.map((one) => [one, 'earliest'])),
    onRevoke: async () => undefined,
    onBatch: async ({ records: more }) => {
      records.push(...more)
      if (records.length === mark.high) resolve()
    },
    onFatal: () => resolve(),
  })
  await promise
  await reading.stop()
  return records
}

it('stores the bytes, then names them in a record that tells all that was said', async () => {
  const stores = await temporaryPipeline()
  const bytes = await plain().jpeg().toBuffer()
  const told = {
    source: 'shelf 7',
    capturedAt: '2026-01-02T03:04:05Z',
    traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
  }
  const accepted = await acceptPicture(partsOf(stores), { bytes, ...told })
  expect(accepted).toEqual({ id: idOf(bytes), duplicate: false })
  expect(await stores.blobs.get('pictures', accepted.id, { maxBytes: 1e6 })).toEqual(
    new Uint8Array(bytes),
  )
  const [record] = await recordsOf(stores)
  expect(readImageRecord('t', record as InRecord)).toEqual({
    kind: 'envelope',
    envelope: { v: 1, sha256: accepted.id, bytes: bytes.length, mediaType: 'image/jpeg', ...told },
  })
  expect(new TextDecoder().decode(record?.key)).toBe(accepted.id)
})

it('says that it knows the bytes, and sends them on all the same', async () => {
  const stores = await temporaryPipeline()
  const bytes = await plain().png().toBuffer()
  const twice = [1, 2].map(() => () => acceptPicture(partsOf(stores), { bytes }))
  const outcomes = [await twice[0]?.(), await twice[1]?.()]
  expect(outcomes.map((one) => one?.duplicate)).toEqual([false, true])
  expect(await recordsOf(stores)).toHaveLength(2)
})

it.each([
  ['no bytes', new Uint8Array(0), { code: 'IMAGE_SIZE', reason: 'empty' }],
  ['too many bytes', new Uint8Array(100_001), { code: 'IMAGE_SIZE', limit: 100_000, got: 100_001 }],
  ['words', Buffer.from('{"v":1}'), { code: 'IMAGE_TYPE' }],
  ['a format that is not allowed', Buffer.from('GIF89a...'), { code: 'IMAGE_TYPE' }],
])('refuses %s, and keeps nothing of it', async (_, bytes, problem) => {
  const stores = await temporaryPipeline()
  await expect(acceptPicture(partsOf(stores), { bytes })).rejects.toMatchObject(problem)
  expect(await stores.blobs.stat('pictures', idOf(bytes))).toBeUndefined()
  expect(await recordsOf(stores)).toEqual([])
})

it.each(['gif', 'avif', 'tiff'] as const)('takes %s where that is allowed', async (format) => {
  const stores = await temporaryPipeline()
  const bytes = await busy().toFormat(format).toBuffer()
  const limits = { bytes: 1_000_000, formats: [format] }
  await expect(acceptPicture(partsOf(stores, { limits }), { bytes })).resolves.toMatchObject({
    duplicate: false,
  })
})

it('takes nothing that was erased', async () => {
  const stores = await temporaryPipeline()
  const bytes = await plain().png().toBuffer()
  const isErased = async (id: string) => id === idOf(bytes)
  const refused = acceptPicture(partsOf(stores, { isErased }), { bytes })
  await expect(refused).rejects.toMatchObject({ code: 'ERASED' })
  expect(await stores.blobs.stat('pictures', idOf(bytes))).toBeUndefined()
})

it('takes nothing while the disk is below its floor, and goes on by itself', async () => {
  const stores = await temporaryPipeline()
  const bytes = await plain().png().toBuffer()
  let free = 10
  const parts = partsOf(stores, { space: () => ({ free, floor: 10 }) })
  await expect(acceptPicture(parts, { bytes })).rejects.toMatchObject({
    code: 'BUSY',
    reason: 'disk-full',
    retryable: true,
    limit: 10,
    got: 10,
  })
  free = 11
  await expect(acceptPicture(parts, { bytes })).resolves.toMatchObject({ duplicate: false })
})

/** A log whose first answers are not the true one's. */
const answering = (stores: TemporaryStores, ...first: SendResult[]): TemporaryStores['stream'] =>
  Object.assign(Object.create(stores.stream), {
    send: async (...args: Parameters<TemporaryStores['stream']['send']>) => {
      const result = first.shift()
      return result === undefined ? stores.stream.send(...args) : [result]
    },
  })

it('is busy while the log is full', async () => {
  const stores = await temporaryPipeline()
  const stream = answering(stores, { outcome: 'refused', reason: 'log-full' })
  const bytes = await plain().png().toBuffer()
  const refused = acceptPicture(partsOf(stores, { stream }), { bytes })
  await expect(refused).rejects.toMatchObject({ code: 'BUSY', reason: 'log-full', retryable: true })
  await expect(acceptPicture(partsOf(stores, { stream }), { bytes })).resolves.toBeDefined()
})

it('sends again what is not known to be stored, until that is known', async () => {
  const stores = await temporaryPipeline()
  const unknown: SendResult = { outcome: 'unknown', reason: 'timeout' }
  const stream = answering(stores, unknown, unknown)
  const bytes = await plain().png().toBuffer()
  await acceptPicture(partsOf(stores, { stream }), { bytes })
  expect(await recordsOf(stores)).toHaveLength(1)
})

it('does not say that a picture is safe when the log never answers', async () => {
  const stores = await temporaryPipeline()
  const unknown: SendResult = { outcome: 'unknown', reason: 'timeout' }
  const stream = answering(stores, ...Array.from({ length: 50 }, () => unknown))
  const bytes = await plain().png().toBuffer()
  const refused = acceptPicture(partsOf(stores, { stream, deadlineMs: 300 }), { bytes })
  await expect(refused).rejects.toMatchObject({
    code: 'STREAM',
    reason: 'timeout',
    retryable: true,
  })
})
