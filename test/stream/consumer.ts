import { vi } from 'vitest'
import type { StreamError } from '../../lib/errors.ts'
import type {
  Batch,
  Consumption,
  InRecord,
  Partition,
  StartAt,
  StreamPort,
  Subscription,
} from '../../lib/stream/types.ts'

/** A subscription that remembers what happened to it. */
export interface Consumer extends Consumption {
  readonly batches: readonly Batch[]
  readonly records: readonly InRecord[]
  readonly values: () => readonly string[]
  readonly assigned: readonly (readonly Partition[])[]
  readonly revoked: readonly string[]
  readonly fatal: readonly StreamError[]
  /** Waits until this many records have come. */
  received(count: number): Promise<void>
}

/** What a test may want of a consumer. */
export interface ConsumerOptions {
  readonly topics?: readonly string[]
  readonly group?: string
  readonly start?: StartAt
  readonly maxBatchBytes?: number
  readonly onAssign?: Subscription['onAssign']
  readonly onBatch?: Subscription['onBatch']
  readonly onRevoke?: Subscription['onRevoke']
}

/** Waits until a claim holds. */
export function until(claim: () => void | Promise<void>): Promise<void> {
  return vi.waitFor(claim, { timeout: 20_000, interval: 5 })
}

/** Subscribes to topic `t`, from the earliest record unless told otherwise. */
export async function consumer(
  stream: StreamPort,
  options: ConsumerOptions = {},
): Promise<Consumer> {
  const batches: Batch[] = []
  const assigned: (readonly Partition[])[] = []
  const revoked: string[] = []
  const fatal: StreamError[] = []
  const records = () => batches.flatMap((batch) => batch.records)
  const consumption = await stream.subscribe({
    topics: options.topics ?? ['t'],
    group: options.group ?? 'readers',
    maxBatchBytes: options.maxBatchBytes ?? 1_000_000,
    onAssign: async (partitions) => {
      assigned.push(partitions)
      if (options.onAssign) return options.onAssign(partitions)
      return new Map(partitions.map((one) => [one, options.start ?? 'earliest']))
    },
    onRevoke: async (partitions, why) => {
      revoked.push(why)
      await options.onRevoke?.(partitions, why)
    },
    onBatch: async (batch, signal) => {
      batches.push(batch)
      await options.onBatch?.(batch, signal)
    },
    onFatal: (error) => fatal.push(error),
  })
  return {
    ...consumption,
    batches,
    assigned,
    revoked,
    fatal,
    get records() {
      return records()
    },
    values: () => records().map(({ value }) => Buffer.from(value).toString()),
    received: (count) =>
      until(() => {
        if (records().length < count) {
          throw new Error(`${records().length} of ${count} records, fatal: ${fatal[0]?.message}`)
        }
      }),
  }
}
