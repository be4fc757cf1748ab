import { randomBytes } from 'node:crypto'

/** What happened lately, for those who watch. */
export interface EventLog {
  /** @param event - Plain JSON; its `event` names it. */
  append(event: { readonly event: string }): void
  /**
   * Server-sent events, one string each, until the signal.
   *
   * @param after - The id of the last one seen: those since then come first. If some of them are
   * gone, `gap` comes instead of them. Absent: only what happens from now on.
   */
  follow(after: string | undefined, signal: AbortSignal): AsyncGenerator<string>
}

const defaultCapacity = 1_000
const heartbeatMs = 15_000
/** Written where a comment keeps proxies from closing a silent connection. */
const heartbeat = ': still here\n\n'

const frame = (id: string, name: string, data: unknown): string =>
  `id: ${id}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n`

/**
 * Remembers the last events; a follower who is too slow loses the oldest and is told so.
 *
 * Ids are `<start>-<number>`: those of another start of the process are never taken for ours.
 *
 * @param capacity - Events that are remembered, ≥ 1.
 */
export function eventLog(capacity: number = defaultCapacity): EventLog {
  const start = randomBytes(4).toString('hex')
  const events: { readonly event: string }[] = []
  /** Number of the first event that is remembered; the next one's is `first + events.length`. */
  let first = 0
  let wake = Promise.withResolvers<void>()

  const numberAfter = (id: string): number | undefined => {
    const [, ofStart, number] = /^([0-9a-f]{8})-(\d{1,15})$/.exec(id) ?? []
    return ofStart === start ? Number(number) + 1 : undefined
  }

  let followers = 0
  let beating: NodeJS.Timeout | undefined
  const wakeAll = (): void => {
    wake.resolve()
    wake = Promise.withResolvers()
  }

  async function* follow(after: string | undefined, signal: AbortSignal): AsyncGenerator<string> {
    let next = after === undefined ? first + events.length : (numberAfter(after) ?? -1)
    followers += 1
    beating ??= setInterval(wakeAll, heartbeatMs).unref()
    signal.addEventListener('abort', wakeAll, { once: true })
    try {
      yield heartbeat
      while (!signal.aborted) {
        if (next < first || next > first + events.length) {
          next = first
          yield frame(`${start}-${first - 1}`, 'gap', { event: 'gap' })
        }
        const event = events[next - first]
        if (event === undefined) {
          await wake.promise
          if (events[next - first] === undefined && !signal.aborted) yield heartbeat
        } else {
          yield frame(`${start}-${next}`, event.event, event)
          next += 1
        }
      }
    } finally {
      followers -= 1
      if (followers === 0) {
        clearInterval(beating)
        beating = undefined
      }
    }
  }

  return {
    append: (event) => {
      events.push(event)
      if (events.length > capacity) {
        events.shift()
        first += 1
      }
      wakeAll()
    },
    follow,
  }
}
