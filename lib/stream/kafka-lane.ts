import { beforeHandingOverAgain, type Patience } from './hand-over-again.ts'
import type { Batch } from './types.ts'

/** What a lane needs of its surroundings. */
export interface LaneContext extends Patience {
  readonly onBatch: (batch: Batch, signal: AbortSignal) => Promise<void>
}

/** One partition that we own: where it goes on, and what of it is being handed over. */
export interface Lane {
  /** Offset that the next batch from the brokers must begin at; none before the start is known. */
  next: number | undefined
  /** Whether batches wait for their handler, or for the end of a pause. */
  readonly isBusy: () => boolean
  readonly isPaused: () => boolean
  pause(): void
  resume(): void
  /**
   * Hands batches over, one at a time; each again as it was after a rejection.
   *
   * @throws {@link StreamError} with reason `handler` after the last attempt.
   */
  deliver(batches: readonly Batch[]): Promise<void>
  /** Resolves when no handler runs. */
  idle(): Promise<void>
}

/** A partition that is not paused, with nothing in hand. */
export function lane(context: LaneContext): Lane {
  const { signal } = context
  let paused: PromiseWithResolvers<void> | undefined
  let running: Promise<void> | undefined
  signal.addEventListener('abort', () => paused?.resolve())

  async function run(batches: readonly Batch[]): Promise<void> {
    for (const batch of batches) {
      while (paused && !signal.aborted) await paused.promise
      if (signal.aborted) return
      await handOver(context, batch)
    }
  }

  return {
    next: undefined,
    isBusy: () => running !== undefined,
    isPaused: () => paused !== undefined,
    pause: () => {
      paused ??= Promise.withResolvers()
    },
    resume: () => {
      paused?.resolve()
      paused = undefined
    },
    deliver: (batches) => {
      const delivery = run(batches).finally(() => {
        running = undefined
      })
      running = delivery
      return delivery
    },
    idle: async () => {
      await running?.catch(() => undefined) // whoever delivers hears of it
    },
  }
}

async function handOver(context: LaneContext, batch: Batch): Promise<void> {
  const { onBatch, signal } = context
  for (let failures = 1; !signal.aborted; failures++) {
    try {
      return await onBatch(batch, signal)
    } catch (cause) {
      if (signal.aborted) return
      await beforeHandingOverAgain(batch, failures, cause, context)
    }
  }
}
