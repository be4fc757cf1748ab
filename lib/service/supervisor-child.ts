import { fork } from 'node:child_process'
import { EngineError } from '../errors.ts'
import type { PipelineEvent } from './events.ts'
import type { RoleName, RoleSettings, RoleStatuses } from './role.ts'
import { roleChannel } from './role-channel.ts'
import type { RoleProcessCalls, RoleProcessHost } from './role-process.ts'
import { connect } from './rpc.ts'
import { sibling } from './sibling.ts'

/** A role in a process of its own. */
export interface RoleChild {
  /** Resolves when the process is gone: with why, unless it was asked to stop and did. */
  readonly ended: Promise<Error | undefined>
  hear(event: PipelineEvent): void
  /** Asks it to stop. */
  stop(options: { readonly drain: boolean }): void
  kill(): void
}

/** What a child tells. */
export interface ChildHost {
  readonly onEvent: (event: PipelineEvent) => void
  readonly onStatus: (statuses: RoleStatuses) => void
}

/** Its standard output is ours to write, so that `--json` stays readable. */
const stdio = ['ignore', 2, 2, 'ipc'] as const

/** Starts a role in a process that ends with ours, whatever becomes of ours. */
export function roleChild(
  name: RoleName,
  settings: RoleSettings,
  { onEvent, onStatus }: ChildHost,
): RoleChild {
  const child = fork(sibling(import.meta.url, 'role-process'), [], {
    serialization: 'advanced',
    stdio: [...stdio],
  })
  const host: RoleProcessHost = { event: onEvent, status: onStatus }
  const call = connect<RoleProcessCalls>(roleChannel(child), host)
  let isDone = false
  let failure: Error | undefined
  const ended = new Promise<Error | undefined>((resolve) => {
    child.once('error', resolve)
    child.once('exit', (code, signal) => {
      const how = `${name}: expected to run on, ended with ${signal ?? `code ${code}`}`
      resolve(isDone ? undefined : (failure ?? new EngineError(how)))
    })
  })
  call.run({ name, settings }).then(
    (statuses) => {
      isDone = true
      onStatus(statuses)
      child.disconnect()
    },
    (error: Error) => {
      failure = error
      // Whatever it still has open: everything is built to be killed.
      child.kill('SIGKILL')
    },
  )
  return {
    ended,
    hear: (event) => void call.hear(event).catch(() => undefined),
    stop: (options) => void call.stop(options).catch(() => undefined),
    kill: () => void child.kill('SIGKILL'),
  }
}
