import { exitCodes } from './output.ts'

/** Turns the first SIGINT or SIGTERM into an abort; the second one ends the program at once. */
export function interruption(tell: (text: string) => void): {
  readonly signal: AbortSignal
  release(): void
} {
  const controller = new AbortController()
  const onSignal = () => {
    if (controller.signal.aborted) process.exit(exitCodes.interrupted)
    tell('stopping: writing the last checkpoint; once more ends at once')
    controller.abort()
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  return {
    signal: controller.signal,
    release: () => {
      process.off('SIGINT', onSignal)
      process.off('SIGTERM', onSignal)
    },
  }
}
