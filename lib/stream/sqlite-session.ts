/** One ownership of a group, and how it ends. */
export interface Session {
  readonly epoch: number
  /** Aborted when the ownership ends, however it does. */
  readonly signal: AbortSignal
  /** Why it ended; rejects if it failed. The first of these calls decides. */
  readonly ended: Promise<'revoked' | 'lost'>
  readonly revoke: () => void
  readonly lose: () => void
  readonly fail: (error: unknown) => void
}

/** A session that begins now. */
export function session(epoch: number): Session {
  const controller = new AbortController()
  const { promise, resolve, reject } = Promise.withResolvers<'revoked' | 'lost'>()
  promise.catch(() => undefined) // whoever awaits it hears of it; nobody must
  const end = (settle: () => void) => () => {
    settle()
    controller.abort()
  }
  return {
    epoch,
    signal: controller.signal,
    ended: promise,
    revoke: end(() => resolve('revoked')),
    lose: end(() => resolve('lost')),
    fail: (error) => end(() => reject(error))(),
  }
}
