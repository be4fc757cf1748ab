import type { PipelineEvent } from './events.ts'
import { fullDisk } from './full-disk.ts'
import type { Role, RoleHost, RoleName, RoleSettings, RoleStatuses } from './role.ts'
import { embedRole } from './role-embed.ts'
import { learnRole } from './role-learn.ts'
import { serveRole } from './role-serve.ts'

/** What a role that runs to its end needs. */
export interface RunRoleOptions extends RoleHost {
  /** Aborted when it shall stop. */
  readonly signal: AbortSignal
  /** Asked then: whether requests still come for a while. */
  readonly drain: () => boolean
  /** Told once a second. */
  readonly onStatus: (statuses: RoleStatuses) => void
  /** Told, once it has started, how the role hears what happens in others. */
  readonly onStarted?: (hear: (event: PipelineEvent) => void) => void
}

const everyMs = 1_000

function start(name: RoleName, settings: RoleSettings, host: RoleHost): Promise<Role> {
  switch (name) {
    case 'ingest':
    case 'serve':
      return serveRole(name, settings, host)
    case 'embed':
      return embedRole(settings, host)
    case 'learn':
      return learnRole(settings, host)
  }
}

/**
 * Runs one role in this process until the signal.
 *
 * @returns Where it stood at the end.
 * @throws what it could not go on after, once all it had open is closed.
 */
export async function runRole(
  name: RoleName,
  settings: RoleSettings,
  options: RunRoleOptions,
): Promise<RoleStatuses> {
  const { signal, drain, onStatus } = options
  const role = await start(name, settings, options)
  const { promise: over, resolve: end } = Promise.withResolvers<unknown>()
  void role.failed.then(end)
  const stopped = () => end(undefined)
  signal.addEventListener('abort', stopped, { once: true })
  if (signal.aborted) stopped()
  options.onStarted?.(role.hear)
  let last: RoleStatuses = {}
  const look = async (): Promise<void> => {
    last = await role.status()
    onStatus(last)
  }
  const looking = setInterval(() => void look().catch(end), everyMs)
  const failure = await over
  clearInterval(looking)
  await look().catch(() => undefined)
  try {
    await role.stop({ drain: failure === undefined && drain() })
  } catch (error) {
    throw fullDisk(failure ?? error, settings.config.data)
  }
  if (failure !== undefined) throw fullDisk(failure, settings.config.data)
  return last
}
