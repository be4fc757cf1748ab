import { Worker } from 'node:worker_threads'
import type { Config } from '../config/schema.ts'
import { EngineError, StreamError } from '../errors.ts'
import type { BlobStore, DocumentStore } from '../store/types.ts'
import type { Consumption, StreamPort, Subscription } from '../stream/types.ts'
import type { StoreCalls } from './http/store-calls.ts'
import type { IngestProgress } from './ingester.ts'
import { connect, type Remote } from './rpc.ts'
import { sibling } from './sibling.ts'
import type { MethodCall, StoreHost, StoreWorkerCalls } from './store-worker.ts'

/**
 * The stores in a thread of their own: SQLite blocks the thread that uses it, and pictures are
 * hashed there. Of the ports it gives what is asynchronous and answers with plain values.
 */
export interface StoreThread {
  readonly store: StoreCalls
  readonly documents: DocumentStore
  readonly blobs: BlobStore
  readonly stream: StreamPort
  /** Resolves with the reason when the thread ends without being asked to. */
  readonly died: Promise<Error>
  /** Reads the configured folders until it is closed. */
  ingest(): Promise<void>
  progress(): Promise<IngestProgress>
  close(): Promise<void>
}

/** An object that lives in the thread, called from here. */
function far<T extends object>(
  call: Remote<StoreWorkerCalls>,
  object: MethodCall['object'],
  own: Partial<T> = {},
): T {
  return new Proxy(own as T, {
    get: (_, method) =>
      Reflect.get(own, method) ??
      ((...args: readonly unknown[]) => call.call({ object, method: String(method), args })),
  })
}

/** Subscriptions whose handlers are called from the thread. */
function subscriptions() {
  const open = new Map<number, Subscription>()
  const controllers = new Map<number, AbortController>()
  const of = (id: number): Subscription => {
    const found = open.get(id)
    if (found === undefined) throw new EngineError(`store: expected subscription ${id} to be open`)
    return found
  }
  const handlers = {
    onAssign: ({ id, partitions }) => of(id).onAssign(partitions),
    onRevoke: ({ id, partitions, why }) => of(id).onRevoke(partitions, why),
    onBatch: ({ id, batch }) => {
      const controller = controllers.get(id) ?? new AbortController()
      controllers.set(id, controller)
      return of(id).onBatch(batch, controller.signal)
    },
    abort: ({ id }) => {
      controllers.get(id)?.abort()
      controllers.delete(id)
    },
    onFatal: ({ id, message, reason }) =>
      of(id).onFatal(new StreamError(message, reason === undefined ? {} : { reason })),
  } satisfies Partial<StoreHost>
  let last = 0
  const subscribe = async (
    call: Remote<StoreWorkerCalls>,
    subscription: Subscription,
  ): Promise<Consumption> => {
    last += 1
    const id = last
    open.set(id, subscription)
    const { topics, group, maxBatchBytes } = subscription
    await call.subscribe({ id, topics, group, maxBatchBytes })
    const tell = (method: keyof Consumption, ...args: readonly unknown[]) =>
      call.consumption({ id, method, args })
    /** Harmless to lose: what is not reported comes again, and a dead thread ends everything. */
    const hint = (method: keyof Consumption, ...args: readonly unknown[]): void =>
      void tell(method, ...args).catch(() => undefined)
    return {
      pause: (partitions) => hint('pause', partitions),
      resume: (partitions) => hint('resume', partitions),
      reportProgress: (partition, next) => hint('reportProgress', partition, next),
      stop: async () => {
        await tell('stop')
        open.delete(id)
        controllers.delete(id)
      },
    }
  }
  return { handlers, subscribe }
}

/**
 * Starts the thread and opens the stores that the configuration names.
 *
 * @param note - Told what people may want to know.
 * @throws the error with which they failed to open.
 */
export async function storeThread(
  config: Config,
  note: (text: string) => void,
): Promise<StoreThread> {
  const worker = new Worker(sibling(import.meta.url, 'store-worker'))
  let isClosing = false
  const died = new Promise<Error>((resolve) => {
    worker.once('error', resolve)
    worker.once('exit', (code) => {
      if (!isClosing)
        resolve(new EngineError(`store thread: expected to run on, ended with ${code}`))
    })
  })
  const { handlers, subscribe } = subscriptions()
  const call = connect<StoreWorkerCalls>(worker, { ...handlers, note })
  const end = async (): Promise<void> => {
    isClosing = true
    await worker.terminate()
  }
  try {
    await call.open({ config })
  } catch (error) {
    await end()
    throw error
  }
  return {
    store: far(call, 'store'),
    documents: far(call, 'documents'),
    blobs: far(call, 'blobs'),
    stream: far<StreamPort>(call, 'stream', {
      subscribe: (one: Subscription) => subscribe(call, one),
    }),
    died,
    ingest: () => call.ingest(undefined as never),
    progress: () => call.progress(undefined as never),
    close: async () => {
      await call.stop(undefined as never).catch(() => undefined)
      await end()
    },
  }
}
