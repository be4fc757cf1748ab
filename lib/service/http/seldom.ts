/**
 * Tells the first fault of a kind, and then one a minute, however many requests meet it.
 *
 * @param now - A clock that never goes back, ms.
 * @param everyMs - Time from one that is told to the next.
 * @returns Asked at each fault: how many of its kind were passed over since the last that was
 *   told; undefined if this one is to be passed over, too.
 */
export function seldom(now: () => number, everyMs = 60_000): (kind: string) => number | undefined {
  const told = new Map<string, { readonly at: number; passedOver: number }>()
  return (kind) => {
    const last = told.get(kind)
    if (last !== undefined && now() - last.at < everyMs) {
      last.passedOver += 1
      return undefined
    }
    told.set(kind, { at: now(), passedOver: 0 })
    return last?.passedOver ?? 0
  }
}
