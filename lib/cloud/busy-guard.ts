import type { RoleStatuses } from '../service/role.ts'
import type { RoleWatcher } from './metric-lines.ts'
import type { TaskProtection } from './task-protection.ts'

/** What {@link busyGuard} needs. */
export interface BusyGuardOptions {
  readonly protection: TaskProtection
  /** A clock that only rises, ms. */
  readonly now: () => number
  /** Told when the platform does not agree. */
  readonly tell: (text: string) => void
}

/** Asked for so long at a time, and again after a third of it. */
const protectedMinutes = 60
const renewMs = (protectedMinutes * 60_000) / 3
/** After a refusal. */
const retryMs = 30_000

/** Whether a role does what would be lost if it were stopped: a round, or the making of an index. */
function isBusy({ learn, embed }: RoleStatuses): boolean {
  return learn?.round !== undefined || embed?.building !== undefined
}

/**
 * Keeps a task from being scaled in while it trains or makes an index, in which it reads nothing:
 * by what waits it would seem idle.
 */
export function busyGuard({ protection, now, tell }: BusyGuardOptions): RoleWatcher {
  let isProtected = false
  let isAsking = false
  /** Not before: a renewal is early enough then, and what was refused is not asked for at once. */
  let nextAt = Number.NEGATIVE_INFINITY

  const ask = async (busy: boolean): Promise<void> => {
    isAsking = true
    try {
      await (busy ? protection.protect(protectedMinutes) : protection.release())
      isProtected = busy
      nextAt = busy ? now() + renewMs : Number.NEGATIVE_INFINITY
    } catch (error) {
      nextAt = now() + retryMs
      tell(error instanceof Error ? error.message : String(error))
    }
    isAsking = false
  }

  return {
    onEvent: () => undefined,
    onStatus: (statuses) => {
      const busy = isBusy(statuses)
      if (isAsking || !(busy || isProtected)) return
      const isDone = !busy && isProtected
      if (isDone || now() >= nextAt) void ask(busy)
    },
  }
}
