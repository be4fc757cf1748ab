import { BusyError } from '../../errors.ts'

/** How much is let in at a time. */
export interface AdmissionLimits {
  /** Requests at work. */
  readonly requests: number
  /** Bytes of bodies in memory. */
  readonly bytes: number
}

/** One request that was let in. */
export interface Ticket {
  /**
   * Counts bytes that have arrived. What was begun may be finished up to the limit.
   *
   * @throws {@link BusyError} with reason `queue` if there is no room for them.
   */
  take(bytes: number): void
  /** Gives everything back; once. */
  leave(): void
}

/** The door of a server. */
export interface Admission {
  readonly bytes: number
  /** @throws {@link BusyError} with reason `requests` if too many are at work. */
  enter(): Ticket
}

/** Shares of the bytes at which new bodies are refused, and taken again. */
const highMark = 0.8
const lowMark = 0.5

/** Bounds what clients can make a server hold in memory, bytes counted as they arrive. */
export function admission(limits: AdmissionLimits): Admission {
  let requests = 0
  let bytes = 0
  let isFull = false

  const count = (change: number): void => {
    bytes += change
    if (bytes > highMark * limits.bytes) isFull = true
    else if (bytes <= lowMark * limits.bytes) isFull = false
  }
  const busy = (reason: 'queue' | 'requests', limit: number, got: number): BusyError => {
    const message = `server: expected at most ${limit} ${reason === 'queue' ? 'bytes in memory' : 'requests at work'}, got ${got}`
    return new BusyError(message, { reason, retryable: true, limit, got })
  }

  return {
    get bytes() {
      return bytes
    },
    enter: () => {
      if (requests >= limits.requests) throw busy('requests', limits.requests, requests + 1)
      requests += 1
      let own = 0
      let hasLeft = false
      return {
        take: (more) => {
          const isRefused = (isFull && own === 0) || bytes + more > limits.bytes
          if (isRefused) throw busy('queue', limits.bytes, bytes + more)
          own += more
          count(more)
        },
        leave: () => {
          if (hasLeft) return
          hasLeft = true
          requests -= 1
          count(-own)
        },
      }
    },
  }
}
