import type { DatabaseSync } from 'node:sqlite'

/** How often to look for commits of other processes. */
export interface WatchOptions {
  /** While there is news, in ms. Default 20. */
  readonly pollMs?: number
  /** After a second without news, in ms. Default 100. */
  readonly quietPollMs?: number
}

/** Defaults of {@link WatchOptions}: a look costs about 7 µs. */
export const defaultWatchOptions: Required<WatchOptions> = { pollMs: 20, quietPollMs: 100 }

/** Time without news after which we look less often. */
const quietAfterMs = 1_000

/** Tells its listeners that somebody may have committed something. */
export interface Watch {
  /** @returns The function that ends it. */
  listen(listener: () => void): () => void
  /** Announces a commit of this process, which `data_version` does not show. */
  announce(): void
}

/** Watches a database by `PRAGMA data_version`, as long as anybody listens. */
export function watchCommits(db: DatabaseSync, options: WatchOptions = {}): Watch {
  const { pollMs, quietPollMs } = { ...defaultWatchOptions, ...options }
  const version = db.prepare('PRAGMA data_version')
  const listeners = new Set<() => void>()
  let seen: unknown
  let newsAt = performance.now()
  let timer: NodeJS.Timeout | undefined

  function tell(): void {
    newsAt = performance.now()
    for (const listener of [...listeners]) listener()
  }

  function look(): void {
    const current = readVersion()
    if (current !== seen) {
      seen = current
      tell()
    }
    if (listeners.size === 0) return
    const isQuiet = performance.now() - newsAt > quietAfterMs
    timer = setTimeout(look, isQuiet ? quietPollMs : pollMs)
  }

  /** A database that no longer answers is news: the listeners meet the error themselves. */
  function readVersion(): unknown {
    try {
      return version.get()?.['data_version']
    } catch (error) {
      return error
    }
  }

  return {
    announce: tell,
    listen(listener) {
      listeners.add(listener)
      if (listeners.size === 1) look()
      return () => {
        listeners.delete(listener)
        if (listeners.size === 0) clearTimeout(timer)
      }
    },
  }
}
