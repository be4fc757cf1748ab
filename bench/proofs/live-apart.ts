import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { CreateBucketCommand } from '@aws-sdk/client-s3'
import { stringify } from 'yaml'
import { loadConfig } from '../../lib/config/load.ts'
import { openPipeline, type Pipeline } from '../../lib/service/open-pipeline.ts'
import { s3Client } from '../../lib/store/s3-client.ts'
import { kafkaStream } from '../../lib/stream/kafka.ts'
import type { StreamPort } from '../../lib/stream/types.ts'
import { writeLoudBackbone } from '../../test/integration/loud-backbone.ts'
import { type Ended, type Running, start } from '../../test/integration/program.ts'
import { type Broker, kafkaVersions, startBroker } from '../../test/kafka/broker.ts'
import { startMoto } from '../../test/s3/moto.ts'
import type { Event } from './live-service.ts'

/** A role, and which of its processes: `embed`, `embed-2`. */
export type Member = `${'serve' | 'embed' | 'learn'}${'' | '-2'}`

/** What a pipeline of roles apart is made of. */
export interface ApartOptions {
  readonly partitions: number
  /** Over what all these pipelines have, by section. */
  readonly settings?: Readonly<Record<string, object | string>>
}

/** Roles apart, each a process of its own, on Kafka behind a proxy and on a bucket. */
export interface LiveApart {
  readonly broker: Broker
  /** A client of the broker, as a producer has one. */
  readonly producer: StreamPort
  /** Starts a process. One that ends before it is told to is started again, as platforms do. */
  start(name: Member): void
  /** Ends a process by SIGTERM. @returns Its exit code. */
  stop(name: Member): Promise<number | null>
  /** Number of the process that runs now. */
  pid(name: Member): number
  readonly running: readonly Member[]
  /** Ends that nobody asked for, in words. */
  readonly deaths: readonly string[]
  /** Where a process answers. */
  address(name: Member, port: 'data' | 'admin'): string
  /** What an admin or data port answers; nothing while nobody does. */
  ask(name: Member, port: 'data' | 'admin', path: string, init?: RequestInit): Promise<Reply>
  /** Whether its readiness probe succeeds. */
  isReady(name: Member): Promise<boolean>
  /** The stores and the stream, open in this process. */
  open(): Promise<Pipeline>
  /** Ends everything. @returns Exit codes of the processes that ran. */
  stopAll(): Promise<readonly (number | null)[]>
  dispose(): Promise<void>
}

/** Status 0 where nobody answered. */
export interface Reply {
  readonly status: number
  readonly body: Event
}

const credentials = { accessKeyId: 'test', secretAccessKey: 'test' } as const
/** As a platform waits before it starts what ended again. */
const againMs = 1_000
/** Nobody waits longer for an answer over HTTP. */
const answerMs = 30_000

/**
 * Below those that the system gives to outgoing connections: a process that starts again must find
 * its own port free.
 */
const lowestPort = 12_000

interface Process {
  readonly running: Running
  isWanted: boolean
  readonly over: Promise<Ended>
}

/** Starts the broker and the bucket; the roles are started one by one. */
export async function liveApart({ partitions, settings = {} }: ApartOptions): Promise<LiveApart> {
  const folder = mkdtempSync(join(tmpdir(), 'contrastream-apart-'))
  const [broker, moto] = await Promise.all([startBroker(kafkaVersions.newest), startMoto()])
  const bucket = 'pictures-and-models'
  const s3 = { bucket, endpoint: moto.url, pathStyle: true, region: 'eu-central-1' }
  const client = s3Client({ ...s3, credentials })
  await client.send(new CreateBucketCommand({ Bucket: bucket }))
  client.destroy()
  await writeLoudBackbone(join(folder, 'backbone'))
  const file = join(folder, 'contrastream.yaml')
  const tree = {
    engine: 'wasm',
    image: { channels: 'grey' },
    model: { backbone: join(folder, 'backbone'), recipe: 'head' },
    learn: { steps: 30, k: 10, start: { fresh: 1_000_000 }, checkpointEvery: '1s' },
    stream: { adapter: 'kafka' },
    kafka: { brokers: [broker.address], partitions },
    store: { adapter: 's3', s3 },
    limits: { decoders: 1 },
    release: { poll: '1s' },
    run: { drain: '100ms' },
    logging: { level: 'warn' },
    ...settings,
  }
  writeFileSync(file, stringify(tree))
  const env = {
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
  }
  Object.assign(process.env, env) // for what opens the bucket here
  const names: readonly Member[] = ['serve', 'serve-2', 'embed', 'embed-2', 'learn', 'learn-2']
  const first = lowestPort + 2 * names.length * (process.pid % 1_000)
  const processes = new Map<Member, Process>()
  const deaths: string[] = []
  const producer = kafkaStream({ brokers: [broker.address], clientId: 'camera' })
  const portOf = (name: Member, port: 'data' | 'admin') =>
    first + 2 * names.indexOf(name) + (port === 'data' ? 0 : 1)
  const address: LiveApart['address'] = (name, port) => `http://127.0.0.1:${portOf(name, port)}`

  function startOne(name: Member): void {
    const ports = [
      `http.port=${portOf(name, 'data')}`,
      `http.adminPort=${portOf(name, 'admin')}`,
    ].flatMap((pair) => ['--set', pair])
    const role = name.split('-')[0] as string
    const args = ['run', '--role', role, '--data', join(folder, name), '--config', file, ...ports]
    const running = start(args, { env })
    const one: Process = { running, isWanted: true, over: running.ended }
    processes.set(name, one)
    void running.ended.then(async ({ code, signal, errors }) => {
      if (!one.isWanted) return
      deaths.push(`${name} ended with ${code ?? signal}: ${errors.trim().split('\n').at(-1)}`)
      await delay(againMs)
      if (one.isWanted) startOne(name)
    })
  }

  async function stop(name: Member): Promise<number | null> {
    const one = processes.get(name)
    if (one === undefined) throw new Error(`live-apart: expected ${name} to run, it does not`)
    one.isWanted = false
    processes.delete(name)
    one.running.signal('SIGTERM')
    return (await one.over).code
  }

  const ask: LiveApart['ask'] = async (name, port, path, init = {}) => {
    try {
      const signal = AbortSignal.timeout(answerMs)
      const response = await fetch(`${address(name, port)}${path}`, { ...init, signal })
      return { status: response.status, body: (await response.json()) as Event }
    } catch {
      return { status: 0, body: {} }
    }
  }

  return {
    broker,
    producer,
    start: startOne,
    stop,
    pid: (name) => processes.get(name)?.running.pid ?? Number.NaN,
    get running() {
      return [...processes.keys()]
    },
    deaths,
    address,
    ask,
    isReady: async (name) => (await ask(name, 'admin', '/health/ready')).status === 200,
    open: () => openPipeline({ ...loadConfig({ file }), data: join(folder, 'reader') }),
    stopAll: () => Promise.all([...processes.keys()].map(stop)),
    dispose: async () => {
      for (const one of processes.values()) {
        one.isWanted = false
        one.running.kill()
      }
      await producer.close({ deadlineMs: 1_000 })
      await Promise.all([broker.dispose(), moto.stop()])
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
