import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  type HeadObjectCommandOutput,
  ListObjectsV2Command,
  PutBucketVersioningCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { afterAll } from 'vitest'
import { s3Blobs } from '../../lib/store/s3-blobs.ts'
import { s3Client } from '../../lib/store/s3-client.ts'
import { s3Documents } from '../../lib/store/s3-documents.ts'
import { type S3Place, s3Keys } from '../../lib/store/s3-place.ts'
import type { BlobStore, DocumentStore, Space } from '../../lib/store/types.ts'
import { type Moto, startMoto } from '../s3/moto.ts'
import {
  type HttpFault,
  type HttpFaultProxy,
  httpFaultProxy,
  type SeenRequest,
} from '../support/http-fault-proxy.ts'
import type { ChildProgram } from './child.ts'
import type { BlobHarness, StoreHarness } from './harness.ts'

/** Pauses that a test does not wait for. */
export const hasty = { pauseMs: 1 } as const

/** Any key pair: moto believes all of them. */
export const credentials = { accessKeyId: 'test', secretAccessKey: 'test' } as const

let started: Promise<Moto> | undefined
let sites = 0
afterAll(async () => (await started)?.stop())

/** A fresh, empty place on a server that all tests of a file share. */
export interface S3Site {
  readonly place: S3Place
  /** What every client goes through. */
  readonly proxy: HttpFaultProxy
  /** The server itself. */
  readonly server: S3Client
  readonly now: () => number
  advance(ms: number): void
  /** A client of its own, as another process would have. */
  client(silenceMs?: number): S3Client
  /** Tag and time of an object, from the server itself. */
  head(key: string): Promise<HeadObjectCommandOutput>
  /** Removes an object behind the stores' back, as the bucket's lifecycle does. */
  erase(key: string): Promise<void>
  blobs(): BlobStore
  documents(): DocumentStore
  /** A program that opens the same stores. */
  peer(dieAt?: number): ChildProgram
  dispose(): Promise<void>
}

/** Makes a site, in a versioned bucket like the one that we deploy. */
export async function s3Site(): Promise<S3Site> {
  started ??= startMoto()
  const moto = await started
  const bucket = 'contrastream-test'
  const place: S3Place = { bucket, prefix: 'some/where', name: `site-${++sites}` }
  const proxy = await httpFaultProxy(moto.url)
  const clients: S3Client[] = []
  const connect = (endpoint: string, silenceMs = 20_000) => {
    const client = s3Client({ endpoint, pathStyle: true, silenceMs, credentials })
    clients.push(client)
    return client
  }
  const server = connect(moto.url)
  if (sites === 1) {
    await server.send(new CreateBucketCommand({ Bucket: bucket }))
    const VersioningConfiguration = { Status: 'Enabled' } as const
    await server.send(new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration }))
  }
  let passed = 0
  moto.runAhead(0)
  const now = () => Date.now() + passed
  const client = (silenceMs?: number) => connect(proxy.url, silenceMs)
  const script = new URL('./s3-peer.ts', import.meta.url)
  return {
    place,
    proxy,
    server,
    now,
    client,
    advance: (ms) => {
      passed += ms
      moto.runAhead(passed)
    },
    head: (Key) => server.send(new HeadObjectCommand({ Bucket: bucket, Key })),
    erase: async (Key) => {
      await server.send(new DeleteObjectCommand({ Bucket: bucket, Key }))
    },
    blobs: () => s3Blobs(client(), place, { now, ...hasty }),
    documents: () => s3Documents(client(), place, hasty),
    peer: (dieAt = 0) => ({ script, args: [moto.url, JSON.stringify(place), `${dieAt}`] }),
    dispose: async () => {
      for (const one of clients) one.destroy()
      await proxy.close()
    },
  }
}

/** Documents in a fresh place. */
export async function s3DocumentHarness(): Promise<StoreHarness<DocumentStore>> {
  const site = await s3Site()
  return { ...common(site), open: async () => site.documents() }
}

/** Blobs in a fresh place. */
export async function s3BlobHarness(): Promise<BlobHarness> {
  const site = await s3Site()
  const keys = s3Keys(site.place)
  const Bucket = site.place.bucket
  return {
    ...common(site),
    open: async () => site.blobs(),
    advance: site.advance,
    flipByte: async (space, digest) => {
      const Key = keys.blob(space, digest)
      const { Body } = await site.server.send(new GetObjectCommand({ Bucket, Key }))
      const bytes = await (
        Body as { transformToByteArray(): Promise<Uint8Array> }
      ).transformToByteArray()
      bytes[0] = (bytes[0] ?? 0) ^ 1
      await site.server.send(new PutObjectCommand({ Bucket, Key, Body: bytes }))
    },
    expire: (_, expireMs) => applyLifecycle(site, expireMs),
  }
}

/** What the bucket's lifecycle does once a day: it knows keys and ages, and nothing of digests. */
async function applyLifecycle(
  { place, server, now, erase }: S3Site,
  expireMs: Partial<Record<Space, number>>,
): Promise<void> {
  const Bucket = place.bucket
  for (const [space, olderThanMs] of Object.entries(expireMs)) {
    const Prefix = s3Keys(place).blobs(space as Space)
    const { Contents = [] } = await server.send(new ListObjectsV2Command({ Bucket, Prefix }))
    for (const { Key, LastModified } of Contents) {
      if (now() - (LastModified?.getTime() ?? 0) >= olderThanMs) await erase(Key ?? '')
    }
  }
}

/** Lets the next requests of a kind fail one after another, and all later ones pass. */
export function failing(
  proxy: HttpFaultProxy,
  faults: readonly HttpFault[],
  concerns: (request: SeenRequest) => boolean = () => true,
): void {
  const left = [...faults]
  proxy.plan = (request) => (concerns(request) ? left.shift() : undefined)
}

/** Lets all requests of a kind fail from now on. */
export function failingAlways(
  proxy: HttpFaultProxy,
  fault: HttpFault,
  concerns: (request: SeenRequest) => boolean = () => true,
): void {
  proxy.plan = (request) => (concerns(request) ? fault : undefined)
}

/** Lets the server list only so many keys in one answer. */
export function shortPages(proxy: HttpFaultProxy, keys: number): void {
  proxy.plan = ({ path }) =>
    path.includes('list-type=2') ? { is: 'instead', path: `${path}&max-keys=${keys}` } : undefined
}

/** Writes an object behind the stores' back. */
export async function putText({ place, server }: S3Site, Key: string, text: string): Promise<void> {
  const Body = Buffer.from(text)
  await server.send(new PutObjectCommand({ Bucket: place.bucket, Key, Body }))
}

const isWrite = (method: string) => method === 'PUT'

function common(site: S3Site): Omit<StoreHarness<never>, 'open'> {
  const { proxy } = site
  const heal = async () => {
    proxy.plan = () => undefined
  }
  return {
    peer: () => site.peer(),
    mortalPeer: (n) => site.peer(n),
    dispose: site.dispose,
    faults: {
      fullDisk: async () => {
        let room = 3
        proxy.plan = ({ method, path }) => {
          const fits = !isWrite(method) || (path.includes('/blobs/') && room-- > 0)
          return fits ? undefined : { is: 'answer', status: 507, code: 'XMinioStorageFull' }
        }
        return heal
      },
      readOnly: async () => {
        proxy.plan = ({ method }) =>
          isWrite(method) ? { is: 'answer', status: 403, code: 'AccessDenied' } : undefined
        return heal
      },
      loseAnswer: async () => {
        proxy.plan = ({ method }) => {
          if (!isWrite(method)) return undefined
          void heal()
          return { is: 'lost-answer' }
        }
      },
    },
  }
}
