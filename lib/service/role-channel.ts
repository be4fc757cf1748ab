import type { ChildProcess } from 'node:child_process'
import type { MessagePort } from 'node:worker_threads'

/**
 * The channel between a process and its parent, as `connect` takes it.
 *
 * What is sent once it is closed is dropped: both sides hear of the end by events.
 *
 * @param peer - The child, or `process` where this is the child.
 */
export function roleChannel(peer: ChildProcess | NodeJS.Process): MessagePort {
  const port = {
    postMessage: (message: object) => peer.send?.(message, undefined, undefined, () => undefined),
    on: (event: string, listener: (value: unknown) => void) =>
      (peer as ChildProcess).on(event, listener),
  }
  return port as unknown as MessagePort
}
