import { isExpulsion } from './kafka-errors.ts'
import type { Ownership } from './kafka-ownership.ts'

/** What the end of an ownership needs of its surroundings. */
export interface HandBackContext {
  /** Tells the group that we live; rejects if it goes on without us. */
  readonly heartbeat: () => Promise<void>
  readonly onRevoke: (why: 'revoked' | 'lost') => Promise<void>
}

/** Signs of life while handlers come to their end, in ms. */
const aliveMs = 500

/**
 * Ends an ownership: handed back when no handler runs, or told at once that it is lost.
 *
 * Resolves when no handler runs.
 */
export async function handBack(
  mine: Ownership,
  why: 'revoked' | 'lost',
  { heartbeat, onRevoke }: HandBackContext,
): Promise<void> {
  const expelled = Promise.withResolvers<'lost'>()
  const alive = setInterval(() => {
    heartbeat().catch((error) => isExpulsion(error) && expelled.resolve('lost'))
  }, aliveMs)
  try {
    const idle = mine.idle().then(() => why)
    await onRevoke(why === 'lost' ? why : await Promise.race([idle, expelled.promise]))
    await idle
  } finally {
    clearInterval(alive)
  }
}
