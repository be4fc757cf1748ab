import { type Platform, platform } from '../config/platform.ts'
import type { RoleName } from '../service/role.ts'
import { busyGuard } from './busy-guard.ts'
import { metricLines, type RoleWatcher } from './metric-lines.ts'
import { taskProtection } from './task-protection.ts'

/** What {@link roleWatchers} needs. */
export interface RoleWatchersOptions {
  /** Name of the pipeline. */
  readonly pipeline: string
  readonly role: RoleName
  /** Told when the platform does not agree. */
  readonly tell: (text: string) => void
  /** Writes one line of the log. */
  readonly write: (line: string) => void
}

/** Does for a role what the platform that it runs on wants: nothing on a machine of one's own. */
export function roleWatchers(
  { pipeline, role, tell, write }: RoleWatchersOptions,
  { metricLines: wantsLines, ecsAgent }: Platform = platform(),
): RoleWatcher {
  const watchers: RoleWatcher[] = []
  if (wantsLines) watchers.push(metricLines({ pipeline, role, now: Date.now, write }))
  if (ecsAgent !== undefined) {
    const protection = taskProtection(ecsAgent)
    watchers.push(busyGuard({ protection, now: () => performance.now(), tell }))
  }
  return {
    onStatus: (statuses) => {
      for (const one of watchers) one.onStatus(statuses)
    },
    onEvent: (event) => {
      for (const one of watchers) one.onEvent(event)
    },
  }
}
