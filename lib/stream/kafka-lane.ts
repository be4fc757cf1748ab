import { setTimeout as delay } from 'node:timers/promises'
import { StreamError } from '../errors.ts'
import type { Batch } from './types.ts'

/** What a lane needs of its surroundings. */
export interface LaneContext {
  readonly onBatch: (batch: Batch, signal: AbortSignal) => Promise<void>
  /** Aborted when the partition is given up. */
  readonly signal: AbortSignal
  /** How often a batch is handed over before its rejection is fatal. */
  readonly attempts: number
  /** Pause before the second attempt, in ms; doubles up to 5 s. */
  readonly backOffMs: number
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

const maxBackOffMs = 5_000

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

async function handOver({ onBatch, signal, attempts, backOffMs }: LaneContext, batch: Batch) {
  for (let failures = 1; ; failures++) {
    try {
      return await onBatch(batch, signal)
    } catch (cause) {
      if (signal.aborted) return
      if (failures >= attempts) throw handlerFailed(batch, failures, cause)
      const pauseMs = Math.min(maxBackOffMs, backOffMs * 2 ** (failures - 1))
      await delay(pauseMs, undefined, { signal }).catch(() => undefined)
      if (signal.aborted) return
    }
  }
}

function handlerFailed(batch: Batch, attempts: number, cause: unknown): StreamError {
  const where = `${batch.partition} at offset ${batch.records[0]?.offset}`
  const detail = cause instanceof Error ? cause.message : String(cause)
  const message = `${where}: expected onBatch to resolve, got ${attempts} rejections, last: ${detail}`
  return new StreamError(message, { reason: 'handler', cause })
}
