/** Runs work, at most so many pieces at a time, in order of arrival. */
export type Limiter = <T>(work: () => Promise<T>) => Promise<T>

/** Lets at most `limit` pieces of work run at a time. */
export function limiter(limit: number): Limiter {
  const queue: (() => void)[] = []
  let running = 0
  return async (work) => {
    if (running >= limit) await new Promise<void>((go) => queue.push(go))
    else running += 1
    try {
      return await work()
    } finally {
      const next = queue.shift()
      if (next) next()
      else running -= 1
    }
  }
}
