/** Pictures that must not be shown any more. */
export interface Erased {
  has(id: string): boolean
  refresh(): Promise<void>
  close(): void
}

/** Other processes erase, too. */
const readEveryMs = 30_000

/**
 * Keeps the ids of erased pictures at hand, read every 30 s.
 *
 * @param read - All of them.
 * @param gone - Told of all of them after each reading.
 * @param warn - Told of each reading that failed.
 */
export function erasedPictures(
  read: () => Promise<ReadonlySet<string>>,
  gone: (ids: ReadonlySet<string>) => void,
  warn: (error: unknown) => void,
): Erased {
  let ids: ReadonlySet<string> = new Set()
  const refresh = async (): Promise<void> => {
    ids = await read()
    gone(ids)
  }
  const timer = setInterval(() => void refresh().catch(warn), readEveryMs)
  timer.unref()
  return { has: (id) => ids.has(id), refresh, close: () => clearInterval(timer) }
}
