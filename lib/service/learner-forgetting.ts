import { PipelineError } from '../errors.ts'
import type { Clock } from '../registry/clock.ts'
import type { DocumentStore } from '../store/types.ts'
import { erasedIds, noteErased } from './erasures.ts'
import type { Learner } from './learner.ts'

/** Other processes erase, too. */
const readEveryMs = 30_000

/** What {@link learnerForgetting} needs. */
export interface ForgettingParts {
  readonly documents: DocumentStore
  readonly learner: Pick<Learner, 'forget'>
  /** The time of day, ms since 1970. */
  readonly now: () => number
  readonly clock: Clock
  /** Told what it cannot go on after. */
  readonly fail: (error: unknown) => void
}

/** Has a learner forget what was erased, and notes that it has. */
export interface LearnerForgetting {
  /** Looks at once, then every 30 s, whether a round is under way or not. */
  start(): void
  stop(): Promise<void>
}

/** {@link LearnerForgetting}, which remembers what it has noted. */
export function learnerForgetting(parts: ForgettingParts): LearnerForgetting {
  const { documents, learner, now, clock, fail } = parts
  const stopping = new AbortController()
  const noted = new Set<string>()
  let working: Promise<void> = Promise.resolve()

  const look = async (): Promise<void> => {
    const ids = await erasedIds(documents)
    const fresh = new Set([...ids].filter((id) => !noted.has(id)))
    if (fresh.size === 0) return
    await learner.forget(ids)
    await noteErased(documents, fresh, { learn: now() })
    for (const id of fresh) noted.add(id)
  }
  const work = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      try {
        await look()
      } catch (error) {
        if (stopping.signal.aborted) return
        if (!(error instanceof PipelineError && error.retryable)) return fail(error)
      }
      await clock.sleep(readEveryMs, stopping.signal)
    }
  }
  return {
    start: () => {
      working = work()
    },
    stop: async () => {
      stopping.abort()
      await working
    },
  }
}
