import { setImmediate as nextTurn } from 'node:timers/promises'
import { beforeHandingOverAgain, type Patience } from './hand-over-again.ts'
import type { Batch } from './types.ts'

/** Hands the batches of one partition to a handler, one at a time, in order. */
export interface Delivery {
  /** There may be news, or a pause may have ended. */
  wake(): void
  /** Resolves when no handler of this partition runs. */
  idle(): Promise<void>
}

/** What a delivery needs of its surroundings. */
export interface DeliveryContext extends Patience {
  /** Whether records may still be delivered; asked right before each handing over. */
  readonly mayDeliver: () => boolean
  readonly isPaused: () => boolean
  readonly read: (from: number) => Batch | undefined
  readonly onBatch: (batch: Batch) => Promise<void>
  readonly onError: (error: unknown) => void
}

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
        await beforeHandingOverAgain(batch as Batch, failures, cause, context)
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
