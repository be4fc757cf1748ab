import { describe, expect, it } from 'vitest'
import { type InferParts, type InferRequest, infer } from '../../lib/cloud/infer.ts'
import { stableReleases } from '../../lib/cloud/stable-release.ts'
import { tf } from '../../lib/engine/tf.ts'
import { imageId } from '../../lib/image/fingerprint.ts'
import { requestErasure } from '../../lib/service/erasures.ts'
import { temporaryPipeline } from '../support/stores.ts'
import { limits, picture, publishPixels, release } from './support.ts'

const ignore = () => undefined
// biome-ignore lint/suspicious/noExplicitAny: answers are read field by field.
type Body = any

async function world(options: { readonly maxIndexBytes?: number } = {}) {
  const stores = await temporaryPipeline()
  const published = await publishPixels(stores)
  const clock = { ms: 0 }
  const uploads: Record<string, Uint8Array> = {}
  const parts: InferParts = {
    releases: stableReleases(published.registry, { ...options, now: () => clock.ms }),
    limits,
    maxNeighbours: 100,
    readUpload: async (key) => uploads[key],
  }
  const ask = async (path: string, body: Uint8Array | object, more: Partial<InferRequest> = {}) => {
    const bytes = body instanceof Uint8Array ? body : Buffer.from(JSON.stringify(body))
    const request = { id: 'r-1', method: 'POST', path, query: {}, body: bytes, ...more }
    const answer = await infer(parts, request, ignore)
    return { status: answer.status, body: answer.body as Body }
  }
  return { stores, ...published, clock, uploads, ask }
}

describe('infer', () => {
  it('answers with the vector of a picture, and what made it', async () => {
    const { stores, registry, entry, ask } = await world()
    await release(stores, registry, entry)
    const { status, body } = await ask('/v1/embed', await picture(1))
    expect(status).toBe(200)
    expect(body.model).toBe(entry.version)
    expect(body.preprocessing).toHaveLength(64)
    expect(Math.hypot(...body.embedding)).toBeCloseTo(1, 5)
  })

  it('finds the picture itself first, and says how sure it is', async () => {
    const { stores, registry, entry, ask } = await world()
    const pictures = await Promise.all([1, 2, 3].map((kind) => picture(kind)))
    await release(stores, registry, entry, pictures)
    const { body } = await ask('/v1/search', pictures[1] as Uint8Array, { query: { k: '2' } })
    expect(body.neighbours).toHaveLength(2)
    expect(body.neighbours[0].id).toBe(imageId(pictures[1] as Uint8Array))
    expect(body.neighbours[0].similarity).toBeCloseTo(1, 5)
    expect(body.neighbours[0].pSame).toBeCloseTo(1 / (1 + Math.exp(-5)), 3)
    expect(body).toMatchObject({ generation: `${entry.version}.1`, exact: true })
  })

  it('searches by a vector that it gave out', async () => {
    const { stores, registry, entry, ask } = await world()
    const pictures = await Promise.all([1, 2].map((kind) => picture(kind)))
    await release(stores, registry, entry, pictures)
    const { body: embedded } = await ask('/v1/embed', pictures[0] as Uint8Array)
    const { embedding: vector, model, preprocessing } = embedded
    const { body } = await ask('/v1/search', { vector, model, preprocessing })
    expect(body.neighbours[0].id).toBe(imageId(pictures[0] as Uint8Array))
  })

  it('refuses a vector of another model', async () => {
    const { stores, registry, entry, ask } = await world()
    await release(stores, registry, entry, [await picture(1)])
    const vector = [1, ...Array.from({ length: 783 }, () => 0)]
    const other = { vector, model: 'v9-000000000000', preprocessing: 'p' }
    const { status, body } = await ask('/v1/search', other)
    expect([status, body.code]).toEqual([409, 'VERSION_MISMATCH'])
  })

  it('never finds a picture that was erased', async () => {
    const { stores, registry, entry, ask } = await world()
    const pictures = await Promise.all([1, 2].map((kind) => picture(kind)))
    const [gone = '', stays] = pictures.map(imageId)
    await requestErasure(stores.documents, gone, { by: 'me', at: 1, why: 'asked' })
    await release(stores, registry, entry, pictures)
    const { body } = await ask('/v1/search', pictures[0] as Uint8Array)
    expect(body.neighbours.map(({ id }: { id: string }) => id)).toEqual([stays])
  })

  it('reads a large picture from the uploads', async () => {
    const { stores, registry, entry, uploads, ask } = await world()
    await release(stores, registry, entry)
    uploads['big.png'] = await picture(1)
    const { body: direct } = await ask('/v1/embed', uploads['big.png'])
    const { body } = await ask('/v1/embed', { upload: 'big.png' })
    expect(body.embedding).toEqual(direct.embedding)
    expect((await ask('/v1/embed', { upload: 'none' })).status).toBe(404)
  })

  it.each([
    ['what is no picture', Buffer.from('hello, this is text'), {}, 415],
    ['JSON of another shape', { hello: 1 }, {}, 400],
    ['more neighbours than allowed', { upload: 'a' }, { query: { k: '101' } }, 400],
    ['another route', { upload: 'a' }, { path: '/v1/models' }, 404],
    ['another method', { upload: 'a' }, { method: 'GET' }, 404],
  ] as const)('refuses %s', async (_, body, more, status) => {
    const { stores, registry, entry, ask } = await world()
    await release(stores, registry, entry, [await picture(1)])
    expect((await ask('/v1/search', body, more)).status).toBe(status)
  })

  it('names serve for an index that is too large, and still embeds', async () => {
    const { stores, registry, entry, ask } = await world({ maxIndexBytes: 1_000 })
    await release(stores, registry, entry, [await picture(1)])
    const { status, body } = await ask('/v1/search', await picture(1))
    expect([status, body.reason]).toEqual([503, 'index-size'])
    expect(body.detail).toContain('serve')
    expect((await ask('/v1/embed', await picture(1))).status).toBe(200)
  })

  it('has nothing to say before the first release', async () => {
    const { ask } = await world()
    const { status, body } = await ask('/v1/embed', await picture(1))
    expect([status, body.reason]).toEqual([503, 'no-release'])
  })
})

describe('stableReleases', () => {
  it('goes on with a new release at its next look, and frees the one before', async () => {
    const { stores, registry, entry, clock, ask } = await world()
    await release(stores, registry, entry)
    await ask('/v1/embed', await picture(1))
    const tensors = tf.memory().numTensors
    const { entry: next } = await publishPixels(stores, 2)
    await release(stores, registry, next)
    clock.ms = 29_999
    expect((await ask('/v1/embed', await picture(1))).body.model).toBe(entry.version)
    clock.ms = 30_000
    expect((await ask('/v1/embed', await picture(1))).body.model).toBe(next.version)
    expect(tf.memory().numTensors).toBe(tensors)
  })

  it('stays with the release it has when the new one is damaged', async () => {
    const { stores, registry, entry, clock, ask } = await world()
    await release(stores, registry, entry)
    await ask('/v1/embed', await picture(1))
    const version = 'v2-aaaaaaaaaaaa'
    const move = { by: 'test', at: 1, why: 'because' }
    await registry.stable.move({ version, manifest: 'a'.repeat(64) }, { move })
    clock.ms = 30_000
    const { status, body } = await ask('/v1/embed', await picture(1))
    expect([status, body.model]).toEqual([200, entry.version])
  })
})
