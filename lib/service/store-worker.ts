import { parentPort } from 'node:worker_threads'
import type { Config } from '../config/schema.ts'
import { BusyError, EngineError } from '../errors.ts'
import { imageId } from '../image/fingerprint.ts'
import { logBytes } from '../stream/sqlite-log.ts'
import { topicNames } from '../stream/topics.ts'
import type { Batch, Consumption, Partition, StartAt, Subscription } from '../stream/types.ts'
import { diskSpace } from './disk-space.ts'
import { sizeText } from './housekeeping-text.ts'
import { type StoreCalls, storeCalls } from './http/store-calls.ts'
import { type Ingester, ingester } from './ingester.ts'
import { openPipeline, type Pipeline } from './open-pipeline.ts'
import { connect, type Handlers } from './rpc.ts'

/** What the thread of the stores asks of the one that started it. */
export interface StoreHost extends Handlers {
  readonly note: (text: string) => void
  readonly onAssign: (asked: {
    readonly id: number
    readonly partitions: readonly Partition[]
  }) => Promise<ReadonlyMap<Partition, StartAt>>
  readonly onRevoke: (asked: {
    readonly id: number
    readonly partitions: readonly Partition[]
    readonly why: 'revoked' | 'lost'
  }) => Promise<void>
  readonly onBatch: (asked: { readonly id: number; readonly batch: Batch }) => Promise<void>
  /** The handlers that are under way shall end. */
  readonly abort: (asked: { readonly id: number }) => void
  readonly onFatal: (asked: {
    readonly id: number
    readonly message: string
    readonly reason: string | undefined
  }) => void
}

/** A call of a method of one of the open objects. */
export interface MethodCall {
  readonly object: 'store' | 'documents' | 'blobs' | 'stream'
  readonly method: string
  readonly args: readonly unknown[]
}

/** A subscription without its handlers, which stay where they are. */
export interface PlainSubscription
  extends Pick<Subscription, 'topics' | 'group' | 'maxBatchBytes'> {
  readonly id: number
}

type Method = (...args: readonly unknown[]) => unknown

interface Open extends Pick<Pipeline, 'documents' | 'blobs' | 'stream'> {
  readonly pipeline: Pipeline
  readonly store: StoreCalls
  readonly intake: Ingester
}

let opened: Open | undefined
const consumptions = new Map<number, Consumption>()

function expectOpen(): Open {
  if (opened === undefined) throw new EngineError('store: expected `open` first, got another call')
  return opened
}

/** Why nothing is taken in; undefined as long as the log has room. */
function fullLog({ database, config }: Pipeline): string | undefined {
  const { bytes } = config.log.retention
  if (config.stream.adapter !== 'sqlite' || logBytes(database) <= bytes) return undefined
  return `the log holds more than ${sizeText(bytes)} (log.retention.bytes) that is not applied yet`
}

function openStore(pipeline: Pipeline): StoreCalls {
  const { config } = pipeline
  const calls = storeCalls(
    pipeline,
    {
      topic: topicNames.unlabeled,
      source: config.ingest.source,
      limits: { bytes: config.limits.bytes, formats: config.image.formats },
      hash: async (bytes) => imageId(bytes),
      space: () => diskSpace(config.data, config.disk.floor),
    },
    Date.now,
  )
  return {
    ...calls,
    accept: async (upload) => {
      const why = fullLog(pipeline)
      if (why !== undefined) throw new BusyError(why, { reason: 'log-full', retryable: true })
      return calls.accept(upload)
    },
  }
}

const handlers = {
  open: async ({ config }: { readonly config: Config }): Promise<void> => {
    const pipeline = await openPipeline(config)
    const { documents, blobs, stream } = pipeline
    const tell = (text: string): void => void host.note(text)
    const intake = ingester(pipeline, config, Date.now, tell, () => fullLog(pipeline))
    opened = { pipeline, documents, blobs, stream, store: openStore(pipeline), intake }
  },

  call: ({ object, method, args }: MethodCall): unknown => {
    const target = expectOpen()[object] as unknown as Record<string, Method>
    return target[method]?.(...args)
  },

  /** Reads the folders until `stop`. */
  ingest: async (): Promise<void> => {
    const { intake } = expectOpen()
    await intake.scan()
    await intake.watch()
  },
  progress: () => expectOpen().intake.progress,

  subscribe: async ({ id, ...plain }: PlainSubscription): Promise<void> => {
    const consumption = await expectOpen().stream.subscribe({
      ...plain,
      onAssign: (partitions) => host.onAssign({ id, partitions }),
      onRevoke: (partitions, why) => host.onRevoke({ id, partitions, why }),
      onBatch: async (batch, signal) => {
        const abort = (): void => void host.abort({ id })
        signal.addEventListener('abort', abort, { once: true })
        await host.onBatch({ id, batch }).finally(() => signal.removeEventListener('abort', abort))
      },
      onFatal: ({ message, reason }) => void host.onFatal({ id, message, reason }),
    })
    consumptions.set(id, consumption)
  },
  consumption: async ({
    id,
    method,
    args,
  }: {
    readonly id: number
    readonly method: keyof Consumption
    readonly args: readonly unknown[]
  }): Promise<void> => {
    // One that was stopped may be told again: nothing is left to do.
    const target = consumptions.get(id) as unknown as Record<string, Method> | undefined
    await target?.[method]?.(...args)
    if (method === 'stop') consumptions.delete(id)
  },

  stop: async (): Promise<void> => {
    const { intake, pipeline } = expectOpen()
    intake.stop()
    await pipeline.close()
  },
}

/** What the thread of the stores answers. */
export type StoreWorkerCalls = typeof handlers

if (parentPort === null) throw new EngineError('store-worker: expected to run in a worker thread')
const host = connect<StoreHost>(parentPort, handlers)
