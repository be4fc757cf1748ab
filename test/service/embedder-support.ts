import { setTimeout as delay } from 'node:timers/promises'
import { PipelineError } from '../../lib/errors.ts'
import { digestOf } from '../../lib/registry/digest.ts'
import { openRegistry, type Registry } from '../../lib/registry/registry.ts'
import { releaseCandidate } from '../../lib/registry/release.ts'
import type { VersionEntry } from '../../lib/registry/versions.ts'
import type { Generation } from '../../lib/search/generation.ts'
import { generations } from '../../lib/search/generations.ts'
import { loadBlock } from '../../lib/search/load-generation.ts'
import { indexRecall } from '../../lib/search/recall.ts'
import { type Embedder, embedder } from '../../lib/service/embedder.ts'
import type {
  EmbedderEvent,
  EmbedderOptions,
  EmbedderParts,
  VersionEmbedder,
} from '../../lib/service/embedder-parts.ts'
import { writeEnvelope } from '../../lib/stream/envelope.ts'
import type { InRecord, Partition } from '../../lib/stream/types.ts'
import { handClock } from '../support/hand-clock.ts'
import { move, smallModel, storeModel } from '../support/models.ts'
import type { Stores } from '../support/stores.ts'

const text = new TextEncoder()
/** Length of a vector of these models. */
const dim = 4

/** The bytes of a picture: only their digest matters to these models. */
export const pictureBytes = (n: number): Uint8Array => text.encode(`picture ${n}`)
/** Its image id. */
export const pictureId = (n: number): string => digestOf(pictureBytes(n))
/** Ids of the pictures from `from` to before `to`. */
export const pictureIds = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, i) => pictureId(from + i))

/** The vector that a version makes of a picture: any direction, always the same. */
export function vectorOf(version: string, id: string): Float32Array {
  const digest = digestOf(text.encode(`${version} ${id}`))
  const values = Array.from({ length: dim }, (_, i) => {
    return Number.parseInt(digest.slice(8 * i, 8 * i + 8), 16) / 2 ** 31 - 1
  })
  const norm = Math.hypot(...values)
  return Float32Array.from(values, (value) => value / norm)
}

/** A model whose pixels are the picture's digest: what is tested is everything around it. */
export function openVersion(version: string, closed: string[] = []): VersionEmbedder {
  return {
    version,
    preprocessingHash: 'p',
    dim,
    decoders: {
      decode: async (bytes) =>
        ({
          pixels: new Uint8Array(Buffer.from(digestOf(bytes), 'hex')),
          fingerprint: new Uint8Array(8),
          width: 28,
          height: 28,
          format: 'png',
        }) as never,
    },
    embed: async (pixels) => {
      const rows = pixels.length / 32
      const data = new Float32Array(rows * dim)
      for (let row = 0; row < rows; row += 1) {
        const id = Buffer.from(pixels.subarray(32 * row, 32 * row + 32)).toString('hex')
        data.set(vectorOf(version, id), row * dim)
      }
      return { rows, dim, data }
    },
    recall: (source) => indexRecall(source),
    close: async () => {
      closed.push(version)
    },
  }
}

/** An embedder on these stores, and what it says. */
export interface Embedding {
  readonly embedder: Embedder
  readonly events: EmbedderEvent[]
  readonly clock: ReturnType<typeof handClock>
  /** Versions whose model was closed. */
  readonly closed: string[]
}

/** An embedder that works when it is told to. */
export function embedderOn(
  stores: Stores,
  options: EmbedderOptions = {},
  changes: Partial<EmbedderParts> = {},
): Embedding {
  const events: EmbedderEvent[] = []
  const closed: string[] = []
  const clock = handClock()
  const one = embedder({
    registry: registryOf(stores),
    stream: stores.stream,
    group: 'contrastream-main-embed',
    elsewhere: async () => undefined,
    by: 'embed-1',
    open: async ({ version }) => openVersion(version, closed),
    erased: async () => new Set(),
    onErased: async () => undefined,
    now: () => 1_700_000_000_000,
    clock,
    seed: 1,
    onEvent: (event) => events.push(event),
    options: { backfillShare: 1, ...options },
    ...changes,
  })
  return { embedder: one, events, clock, closed }
}

/** The registry of these stores. */
export function registryOf({ documents, blobs }: Stores): Registry {
  return openRegistry({ documents, blobs, name: 'main' })
}

/** Makes version 1 stable, as a learner does without an index. */
export async function publishBaseline(stores: Stores): Promise<VersionEntry> {
  const registry = registryOf(stores)
  const entry = await storeModel(registry, smallModel(1))
  await registry.candidate.move(entry, { move })
  await releaseCandidate(registry, entry, { promotion: 'auto', by: 'learner', at: 1, fence: 1 })
  return entry
}

/** Makes a candidate that has beaten what is stable. */
export async function publishCandidate(stores: Stores, n: number): Promise<VersionEntry> {
  const registry = registryOf(stores)
  const champion = (await registry.stable.read())?.version ?? ''
  const model = smallModel(n, { champion })
  const entry = await storeModel(registry, model)
  const gate = { verdict: 'promote', reason: 'better', champion } as const
  await registry.candidate.move(entry, { move: { ...move, gate } })
  return entry
}

/** Sends pictures as a folder would: the blob, then the record that names it. */
export async function sendPictures(
  { blobs, stream }: Stores,
  from: number,
  to: number,
): Promise<void> {
  const records = Array.from({ length: to - from }, (_, i) => {
    const bytes = pictureBytes(from + i)
    const sha256 = digestOf(bytes)
    const envelope = { sha256, bytes: bytes.length, mediaType: 'image/png', source: 'test' }
    return { key: text.encode(sha256), value: writeEnvelope({ v: 1, ...envelope }), bytes }
  })
  for (const { bytes } of records) await blobs.put('pictures', bytes)
  const sent = await stream.send(
    'images.unlabeled',
    records.map(({ key, value }) => ({ key, value })),
    { deadlineMs: 5_000 },
  )
  if (sent.some(({ outcome }) => outcome !== 'acked')) throw new Error('expected all acked')
}

/** Works until something holds, as it does by itself; fails with the embedder. */
export async function drive(
  { embedder: one }: Pick<Embedding, 'embedder'>,
  holds: () => Promise<boolean> | boolean,
): Promise<void> {
  let failure: unknown
  void one.failed.then((error) => {
    failure = error
  })
  for (let turn = 0; turn < 2_000; turn += 1) {
    for (const work of [() => one.tick(), () => one.backfillOne()]) {
      await work().catch((error: unknown) => {
        if (!(error instanceof PipelineError && error.retryable)) throw error
      })
    }
    if (failure !== undefined) throw failure
    if (await holds()) return
    await delay(2)
  }
  throw new Error('expected it to hold by now')
}

/** The generation that `stable` names. */
export async function servedGeneration(stores: Stores): Promise<Generation | undefined> {
  const stable = await registryOf(stores).stable.read()
  if (stable?.generation === undefined) return undefined
  return generations(stores.documents).read(stable.generation)
}

/** Pictures in the blocks of a generation, and whether its model made their vectors. */
export async function contentOf(
  { blobs }: Stores,
  generation: Generation,
): Promise<{ ids: string[]; areOwn: boolean }> {
  const ids: string[] = []
  let areOwn = true
  for (const block of generation.blocks) {
    const { ids: some, vectors } = await loadBlock(blobs, generation, block)
    for (const [row, id] of some.entries()) {
      const vector = vectors.data.subarray(row * dim, (row + 1) * dim)
      const expected = vectorOf(generation.version, id)
      areOwn &&= vector.every((value, i) => value === expected[i])
    }
    ids.push(...some)
  }
  return { ids, areOwn }
}

/** A vector as it was sent. */
export interface SentVector {
  readonly id: string
  readonly model: string | undefined
  readonly offset: number
}

/** Everything in the topic of vectors. */
export async function sentVectors({ stream }: Stores): Promise<SentVector[]> {
  const [mark] = await stream.watermarks('images.embedded')
  const high = mark?.high ?? 0
  const records: InRecord[] = []
  if (high === 0) return []
  let done: () => void = () => undefined
  const all = new Promise<void>((resolve) => {
    done = resolve
  })
  const consumption = await stream.subscribe({
    topics: ['images.embedded'],
    group: `test-${Math.random()}`,
    maxBatchBytes: 1 << 20,
    onAssign: async (partitions) => new Map(partitions.map((p: Partition) => [p, 'earliest'])),
    onRevoke: async () => undefined,
    onBatch: async (batch) => {
      records.push(...batch.records)
      if ((batch.records.at(-1)?.offset ?? 0) + 1 >= high) done()
    },
    onFatal: done,
  })
  await all
  await consumption.stop()
  return records.map(({ key, headers, offset }) => ({
    id: new TextDecoder().decode(key),
    model: headers['model'],
    offset,
  }))
}
