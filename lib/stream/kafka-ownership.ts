import { type Lane, type LaneContext, lane } from './kafka-lane.ts'
import type { Partition } from './types.ts'

/** The partitions that we own from one join of the group to the next. */
export interface Ownership {
  readonly partitions: readonly Partition[]
  /** Aborted when it comes to its end. */
  readonly signal: AbortSignal
  holds(partition: Partition): boolean
  /** Of a partition that it holds. */
  lane(partition: Partition): Lane
  /** Whether batches of a partition that it holds may be fetched. */
  isOpen(partition: Partition): boolean
  /** Lets no further batch begin. */
  abort(): void
  /** Resolves when no handler runs. */
  idle(): Promise<void>
  /** Its end, once that has begun. */
  ending: Promise<void> | undefined
}

/** An ownership that begins now, with every partition still to be told where it starts. */
export function ownership(
  partitions: readonly Partition[],
  context: Omit<LaneContext, 'signal'>,
): Ownership {
  const controller = new AbortController()
  const { signal } = controller
  const lanes = new Map(partitions.map((one) => [one, lane({ ...context, signal })]))
  const laneOf = (partition: Partition) => lanes.get(partition) as Lane
  return {
    partitions,
    signal,
    holds: (partition) => lanes.has(partition),
    lane: laneOf,
    isOpen: (partition) => {
      const { next, isBusy, isPaused } = laneOf(partition)
      return next !== undefined && !isBusy() && !isPaused() && !signal.aborted
    },
    abort: () => controller.abort(),
    idle: async () => {
      await Promise.all([...lanes.values()].map((one) => one.idle()))
    },
    ending: undefined,
  }
}
