import { decodeImage } from '../../lib/image/decode.ts'
import { encodePng } from '../../lib/image/encode.ts'
import { imageId, preprocessingHash } from '../../lib/image/fingerprint.ts'
import { defaultPreprocessing, type ImageLimits } from '../../lib/image/options.ts'
import { saveArtifact } from '../../lib/model/artifact.ts'
import { flatten } from '../../lib/model/flatten.ts'
import type { Manifest } from '../../lib/registry/manifest.ts'
import { openRegistry, type Registry } from '../../lib/registry/registry.ts'
import { manifestFile } from '../../lib/registry/version-files.ts'
import type { VersionEntry } from '../../lib/registry/versions.ts'
import { encodeBlock } from '../../lib/search/block.ts'
import { generations } from '../../lib/search/generations.ts'
import { glyphPicture, glyphSize } from '../../lib/service/demo-glyphs.ts'
import { servedModel } from '../../lib/service/served-model.ts'
import type { InRecord, StreamPort } from '../../lib/stream/types.ts'
import { move, smallModel, storeModel } from '../support/models.ts'
import type { Stores } from '../support/stores.ts'

/** What pictures of these tests keep to. */
export const limits: ImageLimits = {
  bytes: 100_000,
  pixels: 1_000_000,
  minSide: 16,
  formats: ['jpeg', 'png', 'webp'],
  timeoutMs: 5_000,
}

/** An event of S3 as the uploads queue carries it; keys as they travel. */
export function uploadEvent(
  objects: readonly { readonly bucket?: string; readonly key: string; readonly size?: number }[],
): string {
  return JSON.stringify({
    Records: objects.map(({ bucket = 'uploads', key, size = 100 }) => ({
      eventVersion: '2.1',
      eventTime: '2026-03-04T05:06:07.000Z',
      s3: { bucket: { name: bucket }, object: { key, size, eTag: 'e', sequencer: '0' } },
    })),
  })
}

/** A picture of the demo, as a file. */
export function picture(kind: number, number = 0): Promise<Uint8Array> {
  return encodePng(glyphPicture(7, kind, number), glyphSize, glyphSize)
}

/** Everything that a topic holds. */
export async function recordsOf(stream: StreamPort, topic: string): Promise<readonly InRecord[]> {
  const marks = await stream.watermarks(topic)
  const wanted = marks.reduce((sum, { low, high }) => sum + high - low, 0)
  const found: InRecord[] = []
  if (wanted === 0) return found
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const consumption = await stream.subscribe({
    topics: [topic],
    group: `test-${topic}-${wanted}`,
    maxBatchBytes: 1_000_000,
    onAssign: async (partitions) => new Map(partitions.map((one) => [one, 'earliest'])),
    onRevoke: async () => undefined,
    onBatch: async ({ records }) => {
      found.push(...records)
      if (found.length >= wanted) resolve()
    },
    onFatal: reject,
  })
  await promise
  await consumption.stop()
  return found
}

/** JSON of a record's value. */
export function jsonOf({ value }: Pick<InRecord, 'value'>): Record<string, unknown> {
  return JSON.parse(new TextDecoder().decode(value))
}

const preprocessing = { ...defaultPreprocessing, size: glyphSize, channels: 'grey' as const }
const settings = { ...preprocessing, mean: [127.5], std: [127.5] }

/** A version that really embeds: its vectors are the pixels. */
export async function publishPixels(
  stores: Stores,
  n = 1,
): Promise<{
  readonly registry: Registry
  readonly entry: VersionEntry
}> {
  const registry = openRegistry({ ...stores, name: 'main' })
  const network = flatten({ size: glyphSize, channels: 1 })
  const files = { ...(await saveArtifact(network)) }
  network.dispose()
  const manifest: Manifest = {
    ...smallModel(n).manifest,
    files: Object.entries(files).map(([path, bytes]) => manifestFile(path, bytes)),
    preprocessing: { hash: preprocessingHash(settings), settings: { ...settings } },
    dim: glyphSize * glyphSize,
    centred: false,
    calibration: { alpha: 0.5, beta: 0.1 },
  }
  return { registry, entry: await storeModel(registry, { manifest, files }) }
}

/** Moves `stable` to a version, with an index of these pictures if there are any. */
export async function release(
  stores: Stores,
  registry: Registry,
  entry: VersionEntry,
  pictures: readonly Uint8Array[] = [],
): Promise<void> {
  const { version, manifest } = entry
  if (pictures.length === 0) {
    await registry.stable.move({ version, manifest }, { move })
    return
  }
  const model = await servedModel(registry, version)
  const rows = await Promise.all(
    pictures.map(async (bytes) => {
      const { pixels } = await decodeImage(bytes, limits, settings)
      return model.embed(pixels)
    }),
  )
  model.dispose()
  const dim = glyphSize * glyphSize
  const data = new Float32Array(rows.length * dim)
  for (const [i, row] of rows.entries()) data.set(row.data, i * dim)
  const bytes = encodeBlock({
    ids: pictures.map(imageId),
    times: Float64Array.from(pictures, (_, i) => i),
    vectors: { rows: rows.length, dim, data },
  })
  const digest = await stores.blobs.put('index', bytes)
  const all = generations(stores.documents)
  const preprocessingId = preprocessingHash(settings)
  const begun = await all.create(
    { version, manifest, preprocessing: preprocessingId, dim, at: 1 },
    1,
  )
  const block = { digest, rows: rows.length, partition: 'images.unlabeled/0', oldest: 0, newest: 9 }
  const { id } = await all.update(begun.id, (present) => ({
    ...present,
    state: 'ready',
    blocks: [block],
  }))
  await registry.stable.move({ version, manifest, generation: id }, { move })
}
