import { exitCodes, isUnread } from './output.ts'

/** A command that can be asked to stop. */
export interface Interruption {
  /** Aborted by the first signal. */
  readonly signal: AbortSignal
  /**
   * Code that the command then ends with. SIGTERM is how a supervisor asks, an output that is closed
   * how `head` does: neither is a failure.
   */
  readonly exitCode: number
  /** Lets signals do again what they do by themselves. */
  release(): void
}

/**
 * Turns the first SIGINT or SIGTERM into an abort, and an output that nobody reads any more; a
 * second signal ends the program at once, and so does the deadline, ms from the first.
 */
export function interruption(tell: (text: string) => void, deadlineMs: number): Interruption {
  const controller = new AbortController()
  let exitCode: number = exitCodes.interrupted
  let deadline: NodeJS.Timeout | undefined
  let isTold = false
  const begin = () => {
    if (controller.signal.aborted) return
    deadline = setTimeout(() => {
      process.stderr.write(
        `error: expected an end within run.deadline = ${deadlineMs} ms, got none; what came after the last checkpoint is done again at the next start\n`,
      )
      // A thread that is stuck in the engine would keep an exit waiting.
      process.kill(process.pid, 'SIGKILL')
    }, deadlineMs)
    controller.abort()
  }
  const onSignal = (name: NodeJS.Signals) => {
    if (isTold) process.exit(exitCodes.interrupted)
    isTold = true
    exitCode = name === 'SIGTERM' ? exitCodes.done : exitCodes.interrupted
    tell('stopping; once more ends at once')
    begin()
  }
  const onOutputError = (error: Error) => {
    if (!isUnread(error) || controller.signal.aborted) return
    exitCode = exitCodes.done
    begin()
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  for (const stream of [process.stdout, process.stderr]) stream.on('error', onOutputError)
  return {
    signal: controller.signal,
    get exitCode() {
      return exitCode
    },
    release: () => {
      clearTimeout(deadline)
      process.off('SIGINT', onSignal)
      process.off('SIGTERM', onSignal)
      for (const stream of [process.stdout, process.stderr]) stream.off('error', onOutputError)
    },
  }
}
