import { execFile } from 'node:child_process'
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it, onTestFinished } from 'vitest'
import { imageId } from '../../lib/image/fingerprint.ts'
import { s3Keys } from '../../lib/store/s3-place.ts'
import type { JsonObject } from '../../lib/store/types.ts'
import { picture, publishPixels, release } from '../cloud/support.ts'
import { type TemporaryStores, temporaryPipeline } from '../support/stores.ts'
import { objectServer } from './object-server.ts'
import { nowhere } from './support.ts'

const run = promisify(execFile)
const main = fileURLToPath(new URL('../../functions/bundle/main.ts', import.meta.url))
/** Lambda unpacks no more. */
const largestBytes = 250 * 2 ** 20

async function bundle(name: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'contrastream-bundle-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  await run(process.execPath, [main, name, folder])
  return folder
}

async function bytesIn(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  const sizes = files.map(async ({ parentPath, name }) => (await stat(join(parentPath, name))).size)
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
}

/** Calls a bundled handler in a process that knows nothing of this checkout. */
async function call(folder: string, event: object, environment: Readonly<Record<string, string>>) {
  const path = join(folder, 'event.json')
  await writeFile(path, JSON.stringify(event))
  const script = `
    import { readFileSync } from 'node:fs'
    const { handler } = await import('./functions/main/index.mjs')
    const event = JSON.parse(readFileSync('event.json', 'utf8'))
    const answer = await handler(event, { getRemainingTimeInMillis: () => 10_000 })
    process.stdout.write('\\n' + JSON.stringify(answer ?? null), () => process.exit())`
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], {
    cwd: folder,
    env: { ...environment, AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' },
  })
  return JSON.parse(stdout.slice(stdout.lastIndexOf('\n') + 1))
}

/** Everything in the stores of a pipeline, as objects of a bucket. */
async function asObjects(stores: TemporaryStores): Promise<Map<string, Uint8Array>> {
  const keys = s3Keys({ bucket: 'data', prefix: '', name: 'main' })
  const objects = new Map<string, Uint8Array>()
  for (const space of ['models', 'index'] as const) {
    for await (const { digest, bytes } of stores.blobs.list(space)) {
      const found = await stores.blobs.get(space, digest, { maxBytes: bytes })
      if (found) objects.set(`data/${keys.blob(space, digest)}`, found)
    }
  }
  for (const key of await stores.documents.list('')) {
    const found = await stores.documents.read(key)
    const { value } = found as { readonly value: JsonObject }
    const stored = Buffer.from(JSON.stringify({ nonce: 'n', value }))
    objects.set(`data/${keys.document(key)}`, stored)
  }
  return objects
}

describe('the bundle of infer', () => {
  it('answers search and embed from a published release, and is small enough', async () => {
    const stores = await temporaryPipeline()
    const { registry, entry } = await publishPixels(stores)
    const pictures = await Promise.all([1, 2, 3].map((kind) => picture(kind)))
    await release(stores, registry, entry, pictures)
    const endpoint = await objectServer(await asObjects(stores))
    const folder = await bundle('infer')
    const event = {
      rawPath: '/v1/search',
      queryStringParameters: { k: '1' },
      requestContext: { requestId: 'r', http: { method: 'POST' } },
      isBase64Encoded: true,
      body: Buffer.from(pictures[1] as Uint8Array).toString('base64'),
    }
    const answer = await call(folder, event, {
      AWS_REGION: 'us-east-1',
      CONTRASTREAM__STORE__S3__BUCKET: 'data',
      CONTRASTREAM__STORE__S3__ENDPOINT: endpoint,
      CONTRASTREAM__STORE__S3__PATHSTYLE: 'true',
    })
    expect(answer.statusCode).toBe(200)
    const body = JSON.parse(answer.body)
    expect(body.neighbours[0].id).toBe(imageId(pictures[1] as Uint8Array))
    expect(body.model).toBe(entry.version)
    expect(await bytesIn(folder)).toBeLessThan(largestBytes)
  })
})

describe('the bundle of ingest', () => {
  it('is done with an event that names no object', async () => {
    const event = { Records: [{ messageId: '1', body: '{"Records":[]}' }] }
    expect(await call(await bundle('ingest'), event, nowhere)).toEqual({ batchItemFailures: [] })
  })
})

describe('the bundle of model-published', () => {
  it('takes an event without records', async () => {
    expect(await call(await bundle('model-published'), { records: {} }, nowhere)).toBeNull()
  })
})
