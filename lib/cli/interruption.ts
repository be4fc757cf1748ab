import { exitCodes } from './output.ts'

/** A command that can be asked to stop. */
export interface Interruption {
  /** Aborted by the first signal. */
  readonly signal: AbortSignal
  /** Code that the command then ends with: SIGTERM is how a supervisor asks, and no failure. */
  readonly exitCode: number
  /** Lets signals do again what they do by themselves. */
  release(): void
}

/**
 * Turns the first SIGINT or SIGTERM into an abort; a second one ends the program at once, and so
 * does the deadline, ms from the first.
 */
export function interruption(tell: (text: string) => void, deadlineMs: number): Interruption {
  const controller = new AbortController()
  let exitCode: number = exitCodes.interrupted
  let deadline: NodeJS.Timeout | undefined
  const onSignal = (name: NodeJS.Signals) => {
    if (controller.signal.aborted) process.exit(exitCodes.interrupted)
    if (name === 'SIGTERM') exitCode = exitCodes.done
    tell('stopping; once more ends at once')
    deadline = setTimeout(() => {
      process.stderr.write(
        `error: expected an end within run.deadline = ${deadlineMs} ms, got none; what came after the last checkpoint is done again at the next start\n`,
      )
      // A thread that is stuck in the engine would keep an exit waiting.
      process.kill(process.pid, 'SIGKILL')
    }, deadlineMs)
    controller.abort()
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  return {
    signal: controller.signal,
    get exitCode() {
      return exitCode
    },
    release: () => {
      clearTimeout(deadline)
      process.off('SIGINT', onSignal)
      process.off('SIGTERM', onSignal)
    },
  }
}
