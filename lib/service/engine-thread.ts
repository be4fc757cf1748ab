import { Worker } from 'node:worker_threads'
import type { EngineHost } from './engine-requests.ts'
import type { EngineCalls } from './engine-worker.ts'
import { connect, type Remote } from './rpc.ts'
import { sibling } from './sibling.ts'

/** The thread that holds the tensor engine. */
export interface EngineThread {
  readonly call: Remote<EngineCalls>
  /** Resolves with the reason when the thread ends without being asked to. */
  readonly died: Promise<Error>
  close(): Promise<void>
}

/** Starts the thread; it chooses no engine before it is told to. */
export function engineThread(host: EngineHost): EngineThread {
  const worker = new Worker(sibling(import.meta.url, 'engine-worker'))
  let isClosing = false
  const died = new Promise<Error>((resolve) => {
    worker.once('error', resolve)
    worker.once('exit', (code) => {
      if (!isClosing) resolve(new Error(`engine thread: expected to run on, ended with ${code}`))
    })
  })
  return {
    call: connect<EngineCalls>(worker, host),
    died,
    close: async () => {
      isClosing = true
      await worker.terminate()
    },
  }
}
