import { BusyError, type LeaseLostError } from '../errors.ts'
import type { Clock } from '../registry/clock.ts'
import { readDocument, readFound } from '../registry/document.ts'
import { holdLease } from '../registry/lease.ts'
import { type Lease, leaseKind } from '../registry/lease-document.ts'
import { isDead, processName } from '../stream/sqlite-owner.ts'
import type { Pipeline } from './open-pipeline.ts'

const leaseTtlMs = 10_000

/** Who holds a lease, for people: `process 12 on host`. */
export async function holderOf({ documents }: Pipeline, name: string): Promise<string> {
  const key = `lease/${name}`
  const found = await readFound(documents, key)
  const owner = found && readDocument(key, found.value, leaseKind).owner
  const [host, pid] = owner?.split(':') ?? []
  return pid === undefined ? 'unknown' : `process ${pid} on ${host}`
}

/**
 * Takes a lease that only one run at a time has.
 *
 * @throws {@link BusyError} naming the process of the run that has it.
 */
export async function takeRunLease(
  pipeline: Pipeline,
  name: 'run' | 'learn',
  clock: Clock,
  onLost: (error: LeaseLostError) => void,
): Promise<Lease> {
  try {
    return await holdLease(pipeline.documents, name, {
      owner: processName(),
      ttlMs: leaseTtlMs,
      clock,
      isOwnerDead: isDead,
      whenHeld: 'refuse',
      onLost,
    })
  } catch (cause) {
    if (!(cause instanceof BusyError)) throw cause
    const holder = await holderOf(pipeline, name)
    const message = `run: expected ${pipeline.config.data} to be free, another run (${holder}) works on it; stop that one, or choose another --data folder`
    throw new BusyError(message, { cause })
  }
}
