import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { imageId } from '../../lib/image/fingerprint.ts'
import { picture, publishPixels, release } from '../cloud/support.ts'
import { temporaryPipeline } from '../support/stores.ts'
import {
  asObjects,
  bundleInto,
  bytesIn,
  callBundled,
  pictureRequest,
  readingFrom,
} from './bundled.ts'
import { objectServer } from './object-server.ts'
import { nowhere } from './support.ts'

/** Lambda unpacks no more. */
const largestBytes = 250 * 2 ** 20

async function bundle(name: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'contrastream-bundle-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  await bundleInto(folder, name)
  return folder
}

describe('the bundle of infer', () => {
  it('answers from a published release, and is small enough', async () => {
    const stores = await temporaryPipeline()
    const { registry, entry } = await publishPixels(stores)
    const pictures = await Promise.all([1, 2, 3].map((kind) => picture(kind)))
    const [, asked = new Uint8Array()] = pictures
    await release(stores, registry, entry, pictures)
    const server = await objectServer(await asObjects(stores))
    onTestFinished(server.close)
    const folder = await bundle('infer')
    const requests = [pictureRequest('/v1/search', asked), pictureRequest('/v1/embed', asked)]
    const { answers } = await callBundled(folder, requests, readingFrom(server.url))
    const [found, embedded] = answers as readonly {
      readonly statusCode: number
      readonly body: string
    }[]
    expect([found?.statusCode, embedded?.statusCode]).toEqual([200, 200])
    expect(JSON.parse(found?.body ?? '')).toMatchObject({
      neighbours: [{ id: imageId(asked) }],
      model: entry.version,
    })
    expect(Math.hypot(...JSON.parse(embedded?.body ?? '').embedding)).toBeCloseTo(1, 5)
    expect(await bytesIn(folder)).toBeLessThan(largestBytes)
  })
})

describe('the bundle of ingest', () => {
  it('is done with an event that names no object', async () => {
    const event = { Records: [{ messageId: '1', body: '{"Records":[]}' }] }
    const { answers } = await callBundled(await bundle('ingest'), [event], nowhere)
    expect(answers).toEqual([{ batchItemFailures: [] }])
  })
})

describe('the bundle of model-published', () => {
  it('takes an event without records', async () => {
    const folder = await bundle('model-published')
    const { answers } = await callBundled(folder, [{ records: {} }], nowhere)
    expect(answers).toEqual([null])
  })
})
