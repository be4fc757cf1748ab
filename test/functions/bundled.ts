import { execFile } from 'node:child_process'
import { readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { s3Keys } from '../../lib/store/s3-place.ts'
import type { JsonObject } from '../../lib/store/types.ts'
import type { Stores } from '../support/stores.ts'

const run = promisify(execFile)
const main = fileURLToPath(new URL('../../functions/bundle/main.ts', import.meta.url))

/** Name of the bucket that {@link asObjects} fills. */
export const bucket = 'data'

/** Bundles a function for this machine. */
export async function bundleInto(folder: string, name: string): Promise<void> {
  await run(process.execPath, [main, name, folder])
}

/** Bytes of all files in a folder. */
export async function bytesIn(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  const sizes = files.map(async ({ parentPath, name }) => (await stat(join(parentPath, name))).size)
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
}

/** What a bundled handler did. */
export interface Called {
  /** Its answers, one an event. */
  readonly answers: readonly unknown[]
  /** Time to load it, ms. */
  readonly initMs: number
  /** Time of each answer, ms. */
  readonly answerMs: readonly number[]
}

/** Calls a bundled handler with events, in a process that knows nothing of this checkout. */
export async function callBundled(
  folder: string,
  events: readonly object[],
  environment: Readonly<Record<string, string>>,
): Promise<Called> {
  await writeFile(join(folder, 'events.json'), JSON.stringify(events))
  const script = `
    import { readFileSync } from 'node:fs'
    const begun = performance.now()
    const { handler } = await import('./functions/main/index.mjs')
    const called = { answers: [], initMs: performance.now() - begun, answerMs: [] }
    for (const event of JSON.parse(readFileSync('events.json', 'utf8'))) {
      const asked = performance.now()
      const answer = await handler(event, { getRemainingTimeInMillis: () => 10_000 })
      called.answers.push(answer ?? null)
      called.answerMs.push(performance.now() - asked)
    }
    process.stdout.write('\\n' + JSON.stringify(called), () => process.exit())`
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], {
    cwd: folder,
    env: { ...environment, AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' },
    maxBuffer: 64 * 2 ** 20,
  })
  return JSON.parse(stdout.slice(stdout.lastIndexOf('\n') + 1)) as Called
}

/** Models, index and documents of a pipeline, as objects of {@link bucket}. */
export async function asObjects({
  blobs,
  documents,
}: Pick<Stores, 'blobs' | 'documents'>): Promise<Map<string, Uint8Array>> {
  const keys = s3Keys({ bucket, prefix: '', name: 'main' })
  const objects = new Map<string, Uint8Array>()
  for (const space of ['models', 'index'] as const) {
    for await (const { digest, bytes } of blobs.list(space)) {
      const found = await blobs.get(space, digest, { maxBytes: bytes })
      if (found) objects.set(`${bucket}/${keys.blob(space, digest)}`, found)
    }
  }
  for (const key of await documents.list('')) {
    const { value } = (await documents.read(key)) as { readonly value: JsonObject }
    const stored = Buffer.from(JSON.stringify({ nonce: 'n', value }))
    objects.set(`${bucket}/${keys.document(key)}`, stored)
  }
  return objects
}

/** What a function needs to read {@link bucket} at this address. */
export function readingFrom(url: string): Readonly<Record<string, string>> {
  return {
    AWS_REGION: 'us-east-1',
    CONTRASTREAM__STORE__S3__BUCKET: bucket,
    CONTRASTREAM__STORE__S3__ENDPOINT: url,
    CONTRASTREAM__STORE__S3__PATHSTYLE: 'true',
  }
}

/** A request to a function URL with a picture as its body. */
export function pictureRequest(path: string, picture: Uint8Array, k = 1): object {
  return {
    rawPath: path,
    queryStringParameters: { k: String(k) },
    requestContext: { requestId: 'r', http: { method: 'POST' } },
    isBase64Encoded: true,
    body: Buffer.from(picture).toString('base64'),
  }
}
