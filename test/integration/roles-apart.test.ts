import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CreateBucketCommand } from '@aws-sdk/client-s3'
import { Kafka, logLevel } from 'kafkajs'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { stringify } from 'yaml'
import { encodePng } from '../../lib/image/encode.ts'
import { glyphPicture, glyphSize } from '../../lib/service/demo-glyphs.ts'
import { s3Client } from '../../lib/store/s3-client.ts'
import { kafkaStream } from '../../lib/stream/kafka.ts'
import type { StreamPort } from '../../lib/stream/types.ts'
import { type Broker, freePorts, kafkaVersions, startBroker } from '../kafka/broker.ts'
import { type Moto, startMoto } from '../s3/moto.ts'
import { credentials } from '../store/s3-harness.ts'
import { consumer } from '../stream/consumer.ts'
import { acked } from '../stream/harness.ts'
import { writeLoudBackbone } from './loud-backbone.ts'
import { type Running, start } from './program.ts'

/** One machine may be slow: what comes within seconds on a quiet one. */
const patience = { timeout: 120_000, interval: 100 }
const kinds = 10
const raw = 200
const posted = 10

/** The processes of the pipeline, all from one file. */
const names = ['serve', 'serve-2', 'embed', 'embed-2', 'learn', 'learn-2'] as const
type Name = (typeof names)[number]

let folder: string
let broker: Broker
let moto: Moto
let producer: StreamPort
const ports = new Map<Name, { readonly data: string; readonly admin: string }>()
const processes = new Map<Name, Running>()

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'contrastream-apart-'))
  ;[broker, moto] = await Promise.all([startBroker(kafkaVersions.newest), startMoto()])
  const bucket = 'pictures-and-models'
  const s3 = { bucket, endpoint: moto.url, pathStyle: true, region: 'eu-central-1' }
  const client = s3Client({ ...s3, credentials })
  await client.send(new CreateBucketCommand({ Bucket: bucket }))
  client.destroy()
  await writeLoudBackbone(join(folder, 'backbone'))
  const config = {
    engine: 'wasm',
    image: { channels: 'grey' },
    model: { backbone: join(folder, 'backbone'), recipe: 'head' },
    learn: { steps: 30, k: 10, start: { fresh: 1_000_000 } },
    stream: { adapter: 'kafka' },
    kafka: { brokers: [broker.address], partitions: 2 },
    store: { adapter: 's3', s3 },
    limits: { decoders: 1 },
    release: { poll: '1s' },
    run: { drain: '100ms' },
    logging: { level: 'warn' },
  }
  writeFileSync(join(folder, 'contrastream.yaml'), stringify(config))
  const first = await freePorts(2 * names.length)
  for (const [i, name] of names.entries()) {
    const at = (port: number) => `http://127.0.0.1:${port}`
    ports.set(name, { data: at(first + 2 * i), admin: at(first + 2 * i + 1) })
    run(name)
  }
  producer = kafkaStream({ brokers: [broker.address], clientId: 'camera' })
})
afterAll(async () => {
  for (const one of processes.values()) one.signal('SIGKILL')
  await producer?.close({ deadlineMs: 1_000 })
  await Promise.all([broker?.dispose(), moto?.stop()])
  rmSync(folder, { recursive: true, force: true })
})

/** Starts a process of a role. */
function run(name: Name): void {
  const { data, admin } = ports.get(name) as { data: string; admin: string }
  const args = [
    ...['run', '--role', name.split('-')[0] as string, '--data', join(folder, name)],
    ...['--config', join(folder, 'contrastream.yaml')],
    ...[
      '--set',
      `http.port=${new URL(data).port}`,
      '--set',
      `http.adminPort=${new URL(admin).port}`,
    ],
  ]
  const { accessKeyId, secretAccessKey } = credentials
  const env = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey }
  processes.set(name, start(args, { env }))
}

const picture = (number: number): Promise<Uint8Array> =>
  encodePng(glyphPicture(5, number % kinds, 1_000 + number), glyphSize, glyphSize)
const idOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** A picture on the topic as it is, as any producer writes it. */
async function produce(bytes: Uint8Array): Promise<void> {
  const record = { value: bytes, headers: { source: 'camera-1' } }
  const [result] = await producer.send('images.unlabeled', [record], { deadlineMs: 30_000 })
  acked(result)
}

async function post(name: Name, path: string, bytes: Uint8Array) {
  const headers = { 'content-type': 'image/png' }
  const response = await fetch(`${ports.get(name)?.data}${path}`, {
    ...{ method: 'POST', headers, body: bytes },
  })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

async function release(name: Name): Promise<Record<string, unknown>> {
  const response = await fetch(`${ports.get(name)?.data}/v1/release`)
  return (await response.json()) as Record<string, unknown>
}

async function nearest(name: Name, bytes: Uint8Array): Promise<unknown> {
  const { body } = await post(name, '/v1/search?k=1', bytes)
  return (body['neighbours'] as { id: string }[] | undefined)?.[0]?.id
}

async function ready(name: Name): Promise<{ readonly ok: boolean; readonly notes: string[] }> {
  const response = await fetch(`${ports.get(name)?.admin}/health/ready`)
  return (await response.json()) as { ok: boolean; notes: string[] }
}

/** The learner and its standby, as they say themselves. */
async function learners(): Promise<{ readonly writer: Name; readonly standby: Name }> {
  const { notes } = await ready('learn')
  return notes.length === 0
    ? { writer: 'learn', standby: 'learn-2' }
    : { writer: 'learn-2', standby: 'learn' }
}

/** Waits until a search of each replica finds the picture. */
async function found(bytes: Uint8Array): Promise<void> {
  for (const name of serving) {
    const isFound = async () => expect(await nearest(name, bytes)).toBe(idOf(bytes))
    await vi.waitFor(isFound, patience)
  }
}

async function startRound(): Promise<void> {
  const asked = await fetch(`${ports.get('serve')?.admin}/v1/rounds`, {
    method: 'POST',
    headers: { 'x-contrastream': '1', 'content-type': 'application/json' },
    body: '{}',
  })
  expect(asked.status).toBe(202)
}

async function membersOf(groups: readonly string[]) {
  const admin = new Kafka({ brokers: [broker.address], logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  const found = await admin.describeGroups([...groups])
  await admin.disconnect()
  return found
}

const serving = ['serve', 'serve-2'] as const

it('indexes pictures of a producer and posted ones, in both replicas', async () => {
  for (const name of names) {
    await vi.waitFor(async () => expect(await ready(name)).toMatchObject({ ok: true }), patience)
  }
  for (let number = 0; number < raw; number += 1) await produce(await picture(number))
  for (let number = raw; number < raw + posted; number += 1) {
    const bytes = await picture(number)
    const to = serving[number % 2] as Name
    const expected = { status: 202, body: { id: idOf(bytes), duplicate: false } }
    expect(await post(to, '/v1/images', bytes)).toMatchObject(expected)
  }
  for (const name of serving) {
    const isWhole = async () => expect(await release(name)).toMatchObject({ vectors: raw + posted })
    await vi.waitFor(isWhole, patience)
  }
  for (const number of [0, raw]) await found(await picture(number))
})

it('shares the partitions among those who embed, and keeps a standby out of the group', async () => {
  const { groups } = await membersOf(['contrastream-main-embed', 'contrastream-main-learn'])
  expect(groups.map(({ members }) => members.length)).toEqual([2, 1])
})

it('answers by the next version, and by its index, in both replicas', async () => {
  await startRound()
  for (const name of serving) {
    const isNext = async () => expect((await release(name))['model']).toMatch(/^v2-/)
    await vi.waitFor(isNext, patience)
    expect(await release(name)).toMatchObject({ vectors: raw + posted })
  }
  await found(await picture(1))
})

it('says that a stranger has joined the group of the learner', async () => {
  const { writer } = await learners()
  const stranger = await consumer(producer, {
    ...{ topics: ['images.unlabeled'], group: 'contrastream-main-learn' },
  })
  const said = () =>
    processes
      .get(writer)
      ?.lines()
      .filter(({ text }) => String(text).startsWith('alarm: expected all 2'))
  await vi.waitFor(() => expect(said()).toHaveLength(1), patience)
  await stranger.stop()
})

it('lets the standby take over from a learner that sleeps, and fences that one', async () => {
  const { writer, standby } = await learners()
  expect((await ready(standby)).notes).toEqual(['another learner is alive'])
  const asleep = processes.get(writer) as Running
  asleep.signal('SIGSTOP')
  const hasTaken = async () => expect(await ready(standby)).toEqual({ ok: true, notes: [] })
  await vi.waitFor(hasTaken, patience)
  asleep.signal('SIGCONT')
  const { code, errors } = await asleep.ended
  expect(code).toBe(1)
  expect(errors).toContain('LEASE_LOST')

  const bytes = await picture(raw + posted)
  await produce(bytes)
  await found(bytes)
  await startRound()
  const isJudged = () =>
    expect(
      processes
        .get(standby)
        ?.lines()
        .find(({ event }) => event === 'round'),
    ).toBeDefined()
  await vi.waitFor(isJudged, patience)
})
