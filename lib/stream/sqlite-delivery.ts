import { setImmediate as nextTurn } from 'node:timers/promises'
import { StreamError } from '../errors.ts'
import { pause as waitFor } from './sqlite-membership.ts'
import type { Batch } from './types.ts'

/** Hands the batches of one partition to a handler, one at a time, in order. */
export interface Delivery {
  /** There may be news, or a pause may have ended. */
  wake(): void
  /** Resolves when no handler of this partition runs. */
  idle(): Promise<void>
}

/** What a delivery needs of its surroundings. */
export interface DeliveryContext {
  /** Whether records may still be delivered; asked right before each handing over. */
  readonly mayDeliver: () => boolean
  readonly isPaused: () => boolean
  readonly read: (from: number) => Batch | undefined
  readonly onBatch: (batch: Batch) => Promise<void>
  readonly onError: (error: unknown) => void
  readonly signal: AbortSignal
  /** How often a batch is handed over before its rejection is fatal. */
  readonly attempts: number
  /** Pause before the second attempt, in ms; doubles up to 5 s. */
  readonly backOffMs: number
}

const maxBackOffMs = 5_000

/**
 * Delivery of one partition from an offset on.
 *
 * A batch whose handler rejects is handed over again as it was, after a pause.
 */
export function delivery(context: DeliveryContext, start: number): Delivery {
  const { signal } = context
  let next = start
  let batch: Batch | undefined
  let failures = 0
  let hasNews = false
  let running: Promise<void> | undefined

  async function run(): Promise<void> {
    while (!context.isPaused() && !signal.aborted && context.mayDeliver()) {
      hasNews = false
      batch ??= context.read(next)
      if (batch === undefined) return
      try {
        await context.onBatch(batch)
        next = (batch.records.at(-1)?.offset ?? next) + 1
        batch = undefined
        failures = 0
        await nextTurn() // timers run too, however fast the handler is
      } catch (cause) {
        if (signal.aborted) return
        failures += 1
        if (failures >= context.attempts) throw handlerFailed(batch as Batch, failures, cause)
        await waitFor(Math.min(maxBackOffMs, context.backOffMs * 2 ** (failures - 1)), signal)
      }
    }
  }

  function wake(): void {
    hasNews = true
    if (running || signal.aborted) return
    hasNews = false
    running = run()
      .catch(context.onError)
      .finally(() => {
        running = undefined
        if (hasNews) wake() // it came between the last look and now
      })
  }

  return {
    wake,
    idle: async () => {
      await running
    },
  }
}

function handlerFailed(batch: Batch, attempts: number, cause: unknown): StreamError {
  const where = `${batch.partition} at offset ${batch.records[0]?.offset}`
  const detail = cause instanceof Error ? cause.message : String(cause)
  const message = `${where}: expected onBatch to resolve, got ${attempts} rejections, last: ${detail}`
  return new StreamError(message, { reason: 'handler', cause })
}
