import type { CheckpointHead } from '../registry/checkpoint-head.ts'
import type { Partition } from '../stream/types.ts'

/** Whose checkpoints have a say in what the log may drop. */
export interface Readers {
  /** Identity of the log; offsets of another one mean nothing here. */
  readonly log: string
  /** The configured lineage. It always counts, even before its first checkpoint. */
  readonly lineage: string
  /** Other lineages count if they wrote a checkpoint since, ms since 1970. */
  readonly silentSince: number
  /** Partitions that learners read. */
  readonly partitions: readonly Partition[]
}

/**
 * Next offset of each partition that every learner has applied, whichever of its stored
 * checkpoints it may have to fall back to.
 */
export function appliedOffsets(
  checkpoints: readonly CheckpointHead[],
  { log, lineage, silentSince, partitions }: Readers,
): ReadonlyMap<Partition, number> {
  const ours = checkpoints.filter((head) => head.log === log)
  const live = new Set(ours.filter(({ at }) => at >= silentSince).map((head) => head.lineage))
  const counting = ours.filter((head) => head.lineage === lineage || live.has(head.lineage))
  const hasBegun = counting.some((head) => head.lineage === lineage)
  return new Map(
    partitions.map((partition) => {
      const offsets = counting.map((head) => head.offsets[partition] ?? 0)
      return [partition, hasBegun ? Math.min(...offsets) : 0]
    }),
  )
}
