import type { RoundProgress } from '../learn/round.ts'
import type { Learner } from './learner.ts'
import { watchdog } from './watchdog.ts'

/** Watches the work of a run. */
export interface RunWatch {
  /** Begins to watch intake. */
  start(learner: Learner): void
  /** Work on which a round waits, watched until it ends. */
  during<T>(work: () => Promise<T>): Promise<T>
  /** Such work got somewhere. */
  progress(progress?: RoundProgress): void
  close(): Promise<void>
}

const everyMs = 1_000

const textOf = ({ phase, step, steps }: RoundProgress): string => `${phase} ${step}/${steps}`

/**
 * A watchdog over intake and rounds, which ends the process when either stands still.
 *
 * @param limitMs - `run.watchdog`.
 */
export function runWatch(limitMs: number): RunWatch {
  const dog = watchdog(['intake', 'round'], { limitMs })
  let looking: NodeJS.Timeout | undefined
  let taken = 0

  const look = async (learner: Learner): Promise<void> => {
    const lag = await learner.measureLag()
    const { applied, duplicates, erased, quarantined } = learner.status
    dog.setBusy('intake', lag > 0)
    const now = applied + duplicates + erased + quarantined
    if (now !== taken) dog.progress('intake', `${now} records taken, ${lag} behind`)
    taken = now
  }

  return {
    start: (learner) => {
      // What fails here fails the run elsewhere.
      looking = setInterval(() => void look(learner).catch(() => undefined), everyMs)
    },
    during: async (work) => {
      dog.progress('round', 'begin')
      dog.setBusy('round', true)
      try {
        return await work()
      } finally {
        dog.setBusy('round', false)
      }
    },
    progress: (progress) => {
      dog.progress('round', progress && textOf(progress))
      dog.progress('intake') // which may wait for the round
    },
    close: async () => {
      clearInterval(looking)
      await dog.close()
    },
  }
}
