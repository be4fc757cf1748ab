import { EngineError } from '../errors.ts'
import type { PipelineEvent } from './events.ts'
import type { RoleName, RoleSettings, RoleStatuses } from './role.ts'
import { roleChannel } from './role-channel.ts'
import { connect, type Handlers } from './rpc.ts'
import { runRole } from './run-role.ts'

/** What the process of a role tells its supervisor. */
export interface RoleProcessHost extends Handlers {
  readonly event: (event: PipelineEvent) => void
  readonly status: (statuses: RoleStatuses) => void
}

const stopping = new AbortController()
let mayDrain = false
let hear: ((event: PipelineEvent) => void) | undefined

const handlers = {
  /** Answers when the role has ended: with where it stood, or with its error. */
  run: ({ name, settings }: { readonly name: RoleName; readonly settings: RoleSettings }) => {
    process.title = `contrastream ${name}`
    return runRole(name, settings, {
      now: Date.now,
      signal: stopping.signal,
      drain: () => mayDrain,
      onEvent: (event) => void supervisor.event(event),
      onStatus: (statuses) => void supervisor.status(statuses),
      onStarted: (role) => {
        hear = role
      },
    })
  },
  /** Something happened in another role. */
  hear: (event: PipelineEvent): void => hear?.(event),
  stop: ({ drain }: { readonly drain: boolean }): void => {
    mayDrain = drain
    stopping.abort()
  },
}

/** What the process of a role answers. */
export type RoleProcessCalls = typeof handlers

if (process.send === undefined)
  throw new EngineError('role-process: expected to be started by a supervisor')
// A terminal sends it to the whole group; the supervisor decides.
process.on('SIGINT', () => undefined)
process.on('SIGTERM', () => undefined)
// Where nobody reads the log any more, the supervisor decides what follows from it.
process.stderr.on('error', () => undefined)
// The supervisor has heard the end of `run`, or is gone: then nobody may be left behind.
process.on('disconnect', () => process.exit(0))
const supervisor = connect<RoleProcessHost>(roleChannel(process), handlers)
