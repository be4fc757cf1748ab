import type { Checkpoints, NextCheckpoint, Saved } from '../learn/checkpoint.ts'
import { partNames, partOf } from '../learn/state-parts.ts'
import type { RoundInput as FrozenRound } from '../registry/checkpoint-head.ts'
import type { Lease } from '../registry/lease-document.ts'
import type { LearnerMemory } from './learner-memory.ts'

/** What a checkpoint may say other than the one before. */
export interface CheckpointChanges {
  /** The round under way; `undefined` ends it. */
  readonly round?: FrozenRound | undefined
}

/** The learner's memory on its way into checkpoints. */
export interface LearnerCheckpoints {
  /** Runs what changes state or checkpoint, one at a time; not to be nested. */
  exclusively<T>(work: () => Promise<T>): Promise<T>
  /** Writes a checkpoint of what is in memory; to be called exclusively. */
  write(changes?: CheckpointChanges): Promise<void>
  /** What is in memory now, as the next checkpoint. */
  content(changes?: CheckpointChanges): NextCheckpoint
  /** Notes a checkpoint that was written. */
  keep(saved: Saved): void
}

/** What {@link learnerCheckpoints} needs. */
export interface LearnerCheckpointsOptions {
  readonly memory: LearnerMemory
  readonly checkpoints: Checkpoints
  readonly lease: Lease
  /** Hash of the settings that change results. */
  readonly settings: string
  readonly now: () => number
  /** Told how long a checkpoint took to write, ms. */
  readonly onWritten: ((ms: number) => void) | undefined
  /** Told the offsets of a checkpoint that was written: only now their records are done with. */
  readonly onKept: (offsets: Readonly<Record<string, number>>) => void
}

/** Checkpoints over the learner's memory. */
export function learnerCheckpoints(options: LearnerCheckpointsOptions): LearnerCheckpoints {
  const { memory, checkpoints, lease, settings, now, onKept, onWritten } = options
  let savedOffsets: Readonly<Record<string, number>> = { ...memory.offsets }
  let busy: Promise<unknown> = Promise.resolve()

  const content = (changes: CheckpointChanges = {}): NextCheckpoint => {
    const head = memory.saved?.head
    const named = partNames.flatMap((name) => {
      const part = partOf(memory.state, name)
      return part === undefined ? [] : [[name, part] as const]
    })
    return {
      at: now(),
      offsets: { ...memory.offsets },
      counts: structuredClone(memory.counts),
      random: { ...memory.random },
      since: memory.since,
      lastStart: memory.lastStart,
      settings,
      model: head?.model ?? { next: 1 },
      ...(head?.round && { round: head.round }),
      ...changes,
      parts: Object.fromEntries(named),
      from: savedOffsets,
    }
  }

  const keep = (saved: Saved): void => {
    memory.saved = saved
    savedOffsets = { ...saved.head.offsets }
    onKept(savedOffsets)
  }

  return {
    content,
    keep,
    exclusively: (work) => {
      const result = busy.then(work)
      busy = result.catch(() => undefined)
      return result
    },
    write: async (changes = {}) => {
      lease.assertHeld()
      const begun = performance.now()
      keep(await checkpoints.replace(memory.saved, content(changes)))
      onWritten?.(performance.now() - begun)
    },
  }
}
