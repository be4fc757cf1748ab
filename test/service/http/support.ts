import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { request as nodeRequest } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checkConfig } from '../../../lib/config/load.ts'
import type { Config, ConfigInput } from '../../../lib/config/schema.ts'
import { encodePng } from '../../../lib/image/encode.ts'
import { preprocessingHash } from '../../../lib/image/fingerprint.ts'
import { emptyState, type LearnerState } from '../../../lib/learn/state.ts'
import { type Manifest, manifestBytes } from '../../../lib/registry/manifest.ts'
import { manifestFile } from '../../../lib/registry/version-files.ts'
import type { VersionEntry } from '../../../lib/registry/versions.ts'
import { type ExactIndex, exactIndex } from '../../../lib/search/exact-index.ts'
import { generations } from '../../../lib/search/generations.ts'
import { makeBaseline } from '../../../lib/service/baseline.ts'
import type { Decoders } from '../../../lib/service/decoders.ts'
import { diskSpace } from '../../../lib/service/disk-space.ts'
import { type EventLog, eventLog } from '../../../lib/service/http/event-log.ts'
import {
  type Addresses,
  type HttpServer,
  httpServer,
} from '../../../lib/service/http/http-server.ts'
import type { HttpParts } from '../../../lib/service/http/parts.ts'
import { storeCalls } from '../../../lib/service/http/store-calls.ts'
import { openLog } from '../../../lib/service/logging.ts'
import { type Metrics, openMetrics } from '../../../lib/service/metrics.ts'
import { measuredDecoders } from '../../../lib/service/metrics-decoders.ts'
import { openPipeline, type Pipeline } from '../../../lib/service/open-pipeline.ts'
import { servedModel } from '../../../lib/service/served-model.ts'
import {
  heldRelease,
  type LoadedRelease,
  type ReleaseHolder,
  releaseHolder,
} from '../../../lib/service/serving-release.ts'
import { limitsOf } from '../../../lib/service/settings.ts'
import { createToken, type Scope } from '../../../lib/service/tokens.ts'
import { topicNames } from '../../../lib/stream/topics.ts'
import { writeState } from '../../cli/support.ts'

/** Settings of a server in tests: small pictures, any port. */
const settings: ConfigInput = {
  image: { size: 16 },
  model: { backbone: 'conv4' },
  disk: { floor: '1B' },
  http: { port: 0, adminPort: 0 },
  limits: { bytes: '64KiB', batch: 3, neighbours: 50, minSide: 8, pixels: 40_000, queue: '1MiB' },
}

const sizeOfPictures = 16
const preprocessing = {
  size: sizeOfPictures,
  channels: 'rgb' as const,
  background: '#808080',
  mean: [127.5, 127.5, 127.5],
  std: [127.5, 127.5, 127.5],
}

/** sha256 in hex. */
export const idOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** A PNG that differs for each number, and resembles those of near numbers. */
export function png(level: number, side = 20): Promise<Uint8Array> {
  const pixels = Uint8Array.from({ length: side * side * 3 }, (_, i) => {
    return (i % 3 === 0 ? level * 7 : i * (level % 5)) % 256
  })
  return encodePng(pixels, side, side)
}

/** A data folder with two published versions, the second one stable, and a learner's checkpoint. */
export interface Shop {
  readonly folder: string
  readonly config: Config
  readonly pipeline: Pipeline
  readonly versions: readonly [string, string]
  /** Pictures that are stored and in the index. */
  readonly pictures: readonly Uint8Array[]
  readonly releases: ReleaseHolder
  readonly previous: ReleaseHolder
  readonly index: ExactIndex
  readonly decoders: Decoders
  readonly metrics: Metrics
  readonly events: EventLog
  /** What was logged. */
  readonly lines: string[]
  token(scope: Scope, days?: number): Promise<string>
  close(): Promise<void>
}

/** Publishes a version without an index; it is not stable. */
export async function publishVersion(pipeline: Pipeline, n: number): Promise<VersionEntry> {
  const { registry, blobs } = pipeline
  const request = { backbone: 'conv4', size: sizeOfPictures, channels: 'rgb' as const }
  const { files, dim } = await makeBaseline({ ...request, cacheFolder: '' }, () => undefined)
  for (const bytes of Object.values(files)) await blobs.put('models', bytes)
  const manifest: Manifest = {
    format: 1,
    name: 'main',
    lineage: 'main',
    n,
    at: 1_700_000_000_000 + n,
    files: Object.entries(files).map(([path, bytes]) => manifestFile(path, bytes)),
    preprocessing: { hash: preprocessingHash(preprocessing), settings: preprocessing },
    dim,
    centred: false,
    engine: 'tensorflow',
    offsets: {},
    ...(n === 2 && { calibration: { alpha: 0.5, beta: 0.1 } }),
    software: {},
    fence: 1,
  }
  const digest = await blobs.put('models', manifestBytes(manifest))
  return registry.versions.create(n, digest)
}

/** Says of a version that its index is complete, and which one it is. */
export async function readyIndexOf(
  { registry, documents }: Pipeline,
  { version, manifest: digest }: VersionEntry,
): Promise<string> {
  const { preprocessing, dim, at } = await registry.manifest(digest)
  const all = generations(documents)
  const begun = { version, manifest: digest, preprocessing: preprocessing.hash, dim, at }
  const { id } = await all.create(begun, 1)
  await all.update(id, (present) => ({ ...present, state: 'ready' }))
  return id
}

async function publish(pipeline: Pipeline, n: number): Promise<string> {
  const entry = await publishVersion(pipeline, n)
  const { version, manifest } = entry
  const target = { version, manifest, generation: await readyIndexOf(pipeline, entry) }
  await pipeline.registry.stable.move(target, { move: { by: 'test', at: n, why: 'made' } })
  return version
}

async function loaded(
  pipeline: Pipeline,
  version: string,
): Promise<LoadedRelease & { index: ExactIndex }> {
  const model = await servedModel(pipeline.registry, version)
  const stamp = { version: model.version, preprocessingHash: model.preprocessingHash }
  const index = exactIndex(stamp, model.dim)
  return {
    ...stamp,
    seq: 2,
    generation: `${model.version}.1`,
    preprocessing: model.preprocessing,
    dim: model.dim,
    get size() {
      return index.size
    },
    index,
    embed: (pixels) => model.embed(pixels),
    search: (queries, k) => index.search(queries, k),
    dispose: async () => model.dispose(),
  }
}

function stateWith(ids: readonly string[]): LearnerState {
  const entries = ids.map((id, arrival) => {
    const common = { id, source: 'shelf', at: 1_700_000_000_000, group: id, arrival }
    return [id, { ...common, half: 'recent' as const, untrusted: 0, identity: 7 }] as const
  })
  return {
    ...emptyState,
    buffer: { ...emptyState.buffer, entries: new Map(entries), arrivals: ids.length },
    clusters: {
      k: 8,
      chosenAt: 1,
      nextIdentity: 8,
      known: [{ identity: 7, bornIn: 1, size: ids.length, cohesion: 0.5 }],
      model: 'model',
      centroids: { rows: 1, dim: 2, data: Float32Array.of(1, 0) },
      mean: Float32Array.of(0, 0),
      events: [{ round: 1, kind: 'birth', identity: 7, of: undefined, pictures: ids.length }],
    },
  }
}

/**
 * Opens a {@link Shop} in a temporary folder.
 *
 * @param isBare - One version, no checkpoint.
 */
export async function openShop(change: ConfigInput = {}, isBare = false): Promise<Shop> {
  const folder = mkdtempSync(join(tmpdir(), 'contrastream-http-'))
  const config = checkConfig({
    ...settings,
    ...change,
    data: folder,
    http: { ...settings.http, ...change.http },
    limits: { ...settings.limits, ...change.limits },
  })
  const pipeline = await openPipeline(config)
  const first = await publish(pipeline, 1)
  const versions = [first, isBare ? first : await publish(pipeline, 2)] as const
  const stable = await loaded(pipeline, versions[1])
  const before = await loaded(pipeline, versions[0])
  const releases = releaseHolder()
  const previous = releaseHolder()
  releases.swap(heldRelease(stable))
  previous.swap(heldRelease(before))
  const metrics = openMetrics('serve')
  const pool = measuredDecoders({ processes: 1, limits: limitsOf(config), preprocessing }, metrics)
  const pictures = await Promise.all([1, 2, 3, 4, 5, 6].map((level) => png(level)))
  for (const { index, embed, version, preprocessingHash: hash } of [stable, before]) {
    const pixels = await Promise.all(pictures.map(async (one) => (await pool.decode(one)).pixels))
    const vectors = await embed(Buffer.concat(pixels))
    index.add({ version, preprocessingHash: hash, vectors, ids: pictures.map(idOf) })
  }
  for (const bytes of pictures) await pipeline.blobs.put('pictures', bytes)
  if (!isBare) await writeState(pipeline, stateWith(pictures.map(idOf)))
  const lines: string[] = []
  return {
    folder,
    config,
    pipeline,
    versions,
    pictures,
    releases,
    previous,
    index: stable.index,
    decoders: pool,
    metrics,
    events: eventLog(),
    lines,
    token: async (scope, days) => {
      const options = { now: Date.now(), ...(days !== undefined && { days }) }
      return (await createToken(pipeline.documents, scope, options)).secret
    },
    close: async () => {
      await Promise.all([stable.dispose(), before.dispose(), pool.close()])
      await pipeline.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** How a server over a shop takes pictures in. */
export const acceptingOf = ({ config }: Shop) => ({
  topic: topicNames.unlabeled,
  source: 'http',
  limits: { bytes: config.limits.bytes, formats: config.image.formats },
  hash: async (bytes: Uint8Array) => idOf(bytes),
  space: () => diskSpace(config.data, config.disk.floor),
})

/** What a server over a shop works with. */
export function partsOf(shop: Shop, change: Partial<HttpParts> = {}): HttpParts {
  const { config, pipeline } = shop
  return {
    config,
    log: openLog(
      'serve',
      { level: 'debug', format: 'json' },
      { write: (line) => shop.lines.push(line) },
    ),
    metrics: shop.metrics,
    releases: Object.assign(shop.releases, { bad: [] }),
    previous: shop.previous,
    decoders: shop.decoders,
    store: storeCalls(pipeline, acceptingOf(shop), Date.now),
    events: shop.events,
    health: () => ({ isLive: true, isReady: true, notes: [] }),
    now: Date.now,
    ...change,
  }
}

/** A server that listens. */
export interface Running extends Addresses {
  readonly server: HttpServer
}

/** Starts a server over a shop. */
export async function startServer(parts: HttpParts): Promise<Running> {
  const server = await httpServer(parts)
  return { server, ...(await server.listen()) }
}

/** An answer, read whole. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly bytes: Buffer
  /** The body as JSON, if it is. */
  readonly json: Readonly<Record<string, unknown>>
}

/** Asks a server. */
export async function ask(
  url: string,
  options: RequestInit & { readonly token?: string | undefined } = {},
): Promise<Answer> {
  const { token, ...init } = options
  const headers = new Headers(init.headers)
  if (token !== undefined) headers.set('authorization', `Bearer ${token}`)
  const response = await fetch(url, { ...init, headers })
  const bytes = Buffer.from(await response.arrayBuffer())
  const isJson = response.headers.get('content-type')?.includes('json') ?? false
  return {
    status: response.status,
    headers: response.headers,
    bytes,
    json: isJson ? JSON.parse(bytes.toString()) : {},
  }
}

/** Asks with headers that `fetch` keeps to itself. */
export function askRaw(
  url: string,
  headers: Readonly<Record<string, string>>,
): Promise<{ readonly status: number; readonly body: string }> {
  return new Promise((resolve, reject) => {
    const sent = nodeRequest(url, { headers, agent: false }, (response) => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', (chunk) => (body += chunk))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }))
    })
    sent.on('error', reject)
    sent.end()
  })
}
