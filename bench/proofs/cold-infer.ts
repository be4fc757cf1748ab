import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { randomStream } from '../../lib/engine/random.ts'
import { selectEngine } from '../../lib/engine/select.ts'
import { encodePng } from '../../lib/image/encode.ts'
import { preprocessingHash } from '../../lib/image/fingerprint.ts'
import { type Manifest, manifestBytes } from '../../lib/registry/manifest.ts'
import { openRegistry } from '../../lib/registry/registry.ts'
import { manifestFile } from '../../lib/registry/version-files.ts'
import { encodeBlock } from '../../lib/search/block.ts'
import { generations } from '../../lib/search/generations.ts'
import { blockRows } from '../../lib/search/options.ts'
import { makeBaseline } from '../../lib/service/baseline.ts'
import { backboneCacheFolder } from '../../lib/service/cache-folder.ts'
import { openDatabase } from '../../lib/service/database.ts'
import { fileBlobs } from '../../lib/store/file.ts'
import { sqliteDocuments } from '../../lib/store/sqlite.ts'
import {
  asObjects,
  bundleInto,
  bytesIn,
  callBundled,
  pictureRequest,
  readingFrom,
} from '../../test/functions/bundled.ts'
import { objectServer } from '../../test/functions/object-server.ts'
import type { Proof } from './proof.ts'

/** Lambda unpacks no more. */
const largestBytes = 250 * 2 ** 20
const size = 96
const move = { by: 'proof', at: 1, why: 'cold start' }

/** Unit rows in any direction: for a search all are alike. */
function randomRows(rows: number, dim: number, seed: number): Float32Array {
  const random = randomStream(seed, 'cold-infer')
  const data = Float32Array.from({ length: rows * dim }, () => random.uniform() - 0.5)
  for (let row = 0; row < rows; row += 1) {
    const one = data.subarray(row * dim, (row + 1) * dim)
    const norm = Math.hypot(...one)
    for (let i = 0; i < dim; i += 1) one[i] = (one[i] ?? 0) / norm
  }
  return data
}

/** A pipeline that serves mobilenet-v2 with an index of so many vectors. */
async function publish(folder: string, vectors: number): Promise<Map<string, Uint8Array>> {
  const database = openDatabase(folder)
  try {
    const documents = sqliteDocuments(database)
    const blobs = fileBlobs(folder, database)
    const registry = openRegistry({ documents, blobs, name: 'main' })
    const request = { size, channels: 'rgb' as const, cacheFolder: backboneCacheFolder() }
    const baseline = await makeBaseline({ ...request, backbone: 'mobilenet-v2' }, () => undefined)
    const { files, dim, mean, std } = baseline
    const settings = { size, channels: 'rgb' as const, background: '#808080', mean, std }
    const preprocessing = preprocessingHash(settings)
    const manifest: Manifest = {
      format: 1,
      name: 'main',
      lineage: 'main',
      n: 1,
      at: 1,
      files: Object.entries(files).map(([path, bytes]) => manifestFile(path, bytes)),
      preprocessing: { hash: preprocessing, settings },
      dim,
      centred: false,
      engine: 'tensorflow',
      offsets: {},
      software: {},
      fence: 1,
    }
    for (const bytes of Object.values(files)) await blobs.put('models', bytes)
    const digest = await blobs.put('models', manifestBytes(manifest))
    const { version } = await registry.versions.create(1, digest)
    const all = generations(documents)
    const begun = { version, manifest: digest, preprocessing, dim, at: 1 }
    const { id } = await all.create(begun, 1)
    for (let from = 0; from < vectors; from += blockRows) {
      const rows = Math.min(blockRows, vectors - from)
      const ids = Array.from({ length: rows }, (_, i) => (from + i).toString(16).padStart(64, '0'))
      const data = randomRows(rows, dim, from)
      const times = new Float64Array(rows)
      const block = await blobs.put(
        'index',
        encodeBlock({ ids, times, vectors: { rows, dim, data } }),
      )
      const entry = { digest: block, rows, partition: 'p/0', oldest: from, newest: from }
      await all.update(id, (present) => ({ ...present, blocks: [...present.blocks, entry] }))
    }
    await all.update(id, (present) => ({ ...present, state: 'ready' }))
    await registry.stable.move({ version, manifest: digest, generation: id }, { move })
    return await asObjects({ documents, blobs })
  } finally {
    database.close()
  }
}

const seconds = (ms = Number.NaN): string => `${(ms / 1_000).toFixed(2)} s`

/**
 * A first start of `infer`, from its bundle, on this machine: mobilenet-v2 at 96 px and its index,
 * read over HTTP. Argument: vectors in the index (default 20,000).
 */
export const coldInfer: Proof = async ([count = '20000']) => {
  const work = mkdtempSync(join(tmpdir(), 'contrastream-cold-'))
  await selectEngine('auto')
  const server = await objectServer(await publish(join(work, 'data'), Number(count)))
  try {
    const folder = join(work, 'bundle')
    await bundleInto(folder, 'infer')
    const bytes = await bytesIn(folder)
    const random = randomStream(1, 'picture')
    const pixels = Uint8Array.from({ length: 256 * 256 * 3 }, () => random.integer(256))
    const picture = await encodePng(pixels, 256, 256)
    const requests = Array.from({ length: 4 }, () => pictureRequest('/v1/search', picture, 10))
    const called = await callBundled(folder, requests, readingFrom(server.url))
    const isAnswered = called.answers.every(
      (answer) => (answer as { readonly statusCode: number }).statusCode === 200,
    )
    const [first, ...later] = called.answerMs
    return {
      lines: [
        `bundle: ${(bytes / 2 ** 20).toFixed(0)} MB unpacked, of 250`,
        `init: ${seconds(called.initMs)}; first answer, model and ${count} vectors loaded: ${seconds(first)}`,
        `later answers: ${later.map((ms) => seconds(ms)).join(', ')}`,
        'measured on this machine, not on Lambda: its network and its share of a processor differ',
      ],
      holds: isAnswered && bytes < largestBytes,
    }
  } finally {
    await server.close()
    rmSync(work, { recursive: true })
  }
}
