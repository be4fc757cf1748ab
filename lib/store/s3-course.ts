import { attempts, type Patience } from './s3-attempts.ts'
import { busyKey, unknownOutcome } from './s3-faults.ts'
import type { Written } from './s3-objects.ts'

/** What is known of a write that takes several attempts. */
export interface Course {
  /** Takes note of how an attempt ended. */
  saw(written: Written): Written
  /** The fault of an attempt that may be stored; undefined while there is none. */
  readonly doubt: unknown
}

/**
 * Attempts a write until it is decided.
 *
 * @param where - The write and its subject.
 * @param attempt - One attempt; undefined asks for another one.
 * @throws {@link StoreError} `unknown` if it fails, or patience ends, after an attempt that may be
 * stored; `busy` if others got in the way each time and nothing is stored; else what an attempt
 * threw.
 */
export async function untilDecided<T>(
  where: string,
  patience: Patience,
  attempt: (course: Course) => Promise<T | undefined>,
): Promise<T> {
  let doubt: unknown
  const course: Course = {
    saw: (written) => {
      if (written.is === 'unknown') doubt = written.cause
      return written
    },
    get doubt() {
      return doubt
    },
  }
  try {
    for await (const _ of attempts(patience)) {
      const decided = await attempt(course)
      if (decided !== undefined) return decided
    }
  } catch (error) {
    throw doubt === undefined ? error : unknownOutcome(where, error)
  }
  throw doubt === undefined ? busyKey(where) : unknownOutcome(where, doubt)
}
