import type { Partition } from './types.ts'

/** The positions of a group that are still to be committed. */
export interface Progress {
  /** Notes a position; the latest of each partition is committed, one commit at a time. */
  report(partition: Partition, nextOffset: number): void
  /** Notes the first position of a partition, unless one has been reported already. */
  begin(partition: Partition, offset: number): void
  /** Resolves when nothing is left to commit. */
  idle(): Promise<void>
}

/**
 * Commits positions as they come in, together while a commit is under way.
 *
 * @param commit - What it throws goes to `onFailure`: the position is old, the next one goes further.
 */
export function kafkaProgress(
  commit: (positions: ReadonlyMap<Partition, number>) => Promise<void>,
  onFailure: (error: unknown) => void,
): Progress {
  let pending = new Map<Partition, number>()
  let running: Promise<void> | undefined
  const reported = new Set<Partition>()

  async function run(): Promise<void> {
    while (pending.size > 0) {
      const positions = pending
      pending = new Map()
      await commit(positions).catch(onFailure)
    }
  }

  function report(partition: Partition, nextOffset: number): void {
    reported.add(partition)
    pending.set(partition, nextOffset)
    running ??= run().finally(() => {
      running = undefined
    })
  }

  return {
    report,
    begin: (partition, offset) => {
      if (!reported.has(partition)) report(partition, offset)
    },
    idle: async () => {
      await running
    },
  }
}
