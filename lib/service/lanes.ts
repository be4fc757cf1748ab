/** Runs work once there is room for it, in the order of arrival. */
export type Lanes = <T>(width: number, work: () => Promise<T>) => Promise<T>

/**
 * Room for work side by side: work that takes all lanes runs alone.
 *
 * @param count - Lanes there are, ≥ 1; no work may ask for more.
 */
export function lanes(count: number): Lanes {
  let free = count
  const waiting: { readonly width: number; readonly begin: () => void }[] = []
  function advance(): void {
    for (let next = waiting[0]; next !== undefined && next.width <= free; next = waiting[0]) {
      waiting.shift()
      free -= next.width
      next.begin()
    }
  }
  return async (width, work) => {
    await new Promise<void>((begin) => {
      waiting.push({ width, begin })
      advance()
    })
    try {
      return await work()
    } finally {
      free += width
      advance()
    }
  }
}
