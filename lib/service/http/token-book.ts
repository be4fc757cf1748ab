import { findToken, isLive, type Token } from '../tokens.ts'

/** The tokens that are valid now. */
export interface TokenBook {
  /** Reads them anew. */
  refresh(): Promise<void>
  /** Whether there is any that would be let in. */
  readonly hasLive: boolean
  /** The token that was presented, if it is valid; a new one is looked up at once. */
  find(presented: string): Promise<Token | undefined>
  /** Ends the reading. */
  close(): void
}

/** A revoked token must be known within 30 s. */
const readEveryMs = 10_000
/** Unknown tokens cause a reading no more often than that. */
const readAtMostEveryMs = 1_000

/**
 * Keeps the tokens at hand, read every 10 s.
 *
 * While the store cannot be read the last ones go on: nobody can revoke there either.
 *
 * @param read - All tokens that are stored.
 * @param now - ms since 1970.
 * @param warn - Told of each reading that failed.
 */
export function tokenBook(
  read: () => Promise<readonly Token[]>,
  now: () => number,
  warn: (error: unknown) => void,
): TokenBook {
  let tokens: readonly Token[] = []
  let readAt = Number.NEGATIVE_INFINITY
  const refresh = async (): Promise<void> => {
    readAt = performance.now()
    tokens = await read()
  }
  const find = (presented: string): Token | undefined => {
    const token = findToken(tokens, presented)
    return token !== undefined && isLive(token, now()) ? token : undefined
  }
  const timer = setInterval(() => void refresh().catch(warn), readEveryMs)
  timer.unref()
  return {
    refresh,
    get hasLive() {
      return tokens.some((token) => isLive(token, now()))
    },
    find: async (presented) => {
      const known = find(presented)
      if (known !== undefined || performance.now() - readAt < readAtMostEveryMs) return known
      await refresh().catch(warn)
      return find(presented)
    },
    close: () => clearInterval(timer),
  }
}
