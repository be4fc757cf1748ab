import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { sqliteFault } from '../store/sqlite-faults.ts'
import type { Groups, Member } from './sqlite-groups.ts'
import { isDead, processName } from './sqlite-owner.ts'

/** A name for one consumer of this process. */
export function memberName(): string {
  return `${processName()}:${randomUUID()}`
}

/**
 * Stands by until the group is free, then takes it.
 *
 * It is free when nobody has it, when its owner released it or is a dead process of this machine,
 * or when the owner's beat stood still for a whole lease on our monotonic clock.
 *
 * @param leaseMs - Life of an ownership without renewal, in ms.
 * @returns The epoch under which we own it; nothing once `signal` is aborted.
 */
export async function becomeOwner(
  groups: Groups,
  group: string,
  owner: string,
  leaseMs: number,
  signal: AbortSignal,
): Promise<number | undefined> {
  let seen: Member | undefined
  let since = performance.now()
  while (!signal.aborted) {
    const current = groups.member(group)
    if (current?.epoch !== seen?.epoch || current?.beat !== seen?.beat) {
      seen = current
      since = performance.now()
    }
    if (isFree(current) || performance.now() - since >= leaseMs) {
      const epoch = unlessBusy(() => groups.take(group, owner, current))
      if (epoch !== undefined) return epoch
    }
    await pause(Math.min(100, leaseMs / 10), signal)
  }
  return undefined
}

/**
 * Renews an ownership three times a lease.
 *
 * @param onLost - Called once the group has another owner.
 * @param onError - Called with what SQLite throws, busy ones excepted: the next turn comes.
 * @returns The function that ends it.
 */
export function keepOwning(
  groups: Groups,
  group: string,
  epoch: number,
  leaseMs: number,
  onLost: () => void,
  onError: (error: unknown) => void,
): () => void {
  const timer = setInterval(() => {
    try {
      if (unlessBusy(() => groups.renew(group, epoch)) === false) onLost()
    } catch (error) {
      onError(error)
    }
  }, leaseMs / 3)
  return () => clearInterval(timer)
}

function isFree(member: Member | undefined): boolean {
  return member === undefined || member.owner === '' || isDead(member.owner)
}

function unlessBusy<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch (error) {
    if (sqliteFault(error) === 'busy') return undefined
    throw error
  }
}

/** Waits, or until the signal is aborted. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => undefined)
}
