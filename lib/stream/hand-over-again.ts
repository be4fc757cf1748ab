import { setTimeout as delay } from 'node:timers/promises'
import { StreamError } from '../errors.ts'
import type { Batch } from './types.ts'

/** How often a batch is handed over whose handler rejects it. */
export interface Patience {
  /** Aborted when the partition is given up. */
  readonly signal: AbortSignal
  /** How often a batch is handed over before its rejection is fatal, ≥ 1. */
  readonly attempts: number
  /** Pause before the second attempt, in ms; doubles up to 5 s. */
  readonly backOffMs: number
}

const maxBackOffMs = 5_000

/**
 * Waits before a rejected batch is handed over again. Ends early with the signal.
 *
 * @param failures - Rejections of this batch so far, ≥ 1.
 * @param cause - The last of them.
 * @throws {@link StreamError} with reason `handler` after the last attempt.
 */
export async function beforeHandingOverAgain(
  batch: Batch,
  failures: number,
  cause: unknown,
  { signal, attempts, backOffMs }: Patience,
): Promise<void> {
  if (failures >= attempts) {
    const where = `${batch.partition} at offset ${batch.records[0]?.offset}`
    const detail = cause instanceof Error ? cause.message : String(cause)
    const message = `${where}: expected onBatch to resolve, got ${failures} rejections, last: ${detail}`
    throw new StreamError(message, { reason: 'handler', cause })
  }
  const pauseMs = Math.min(maxBackOffMs, backOffMs * 2 ** (failures - 1))
  await delay(pauseMs, undefined, { signal }).catch(() => undefined)
}
