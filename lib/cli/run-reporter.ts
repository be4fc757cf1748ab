import type { PipelineEvent } from '../service/events.ts'
import type { RunProgress } from '../service/run.ts'
import { eventText } from './event-text.ts'
import type { Output } from './output.ts'
import { progressBlock } from './progress-block.ts'

/** How a command that runs the pipeline talks while it does. */
export interface RunReporter {
  /** A line for people, above the live block. */
  line(text: string): void
  onEvent(event: PipelineEvent): void
  /** To be told about once a second. */
  onProgress(progress: RunProgress): void
  /** Ends the live block; harmless to repeat. */
  end(): void
}

/** Least time between two progress lines of `--json`, ms. */
const everyMs = 5_000

/** Where a run stands, as a line of `--json`. */
function progressEvent({
  ingest,
  learner,
  embed,
  serve,
}: RunProgress): Readonly<Record<string, unknown>> {
  const { applied, lag, round } = learner
  const event = 'progress'
  const roles = {
    ...(embed && { embedded: embed.embedded }),
    ...(serve?.release && { serving: serve.release.version, vectors: serve.release.vectors }),
  }
  if (round === undefined) {
    const read = ingest.sent + ingest.known + ingest.quarantined
    return { event, phase: 'intake', found: ingest.found, read, applied, behind: lag, ...roles }
  }
  const { number, progress, secondsLeft } = round
  return { event, round: number, ...progress, secondsLeft, applied, behind: lag, ...roles }
}

/**
 * The reporter of one command: lines and the live block for people, events for programs.
 *
 * @param clock - Monotonic, ms.
 */
export function runReporter(
  output: Output,
  clock: () => number = () => performance.now(),
): RunReporter {
  const block = progressBlock(output)
  let toldAt = Number.NEGATIVE_INFINITY
  let told = ''
  return {
    line: block.line,
    end: block.end,
    onEvent: (event) => {
      if (output.isJson) output.result({ ...event }, '')
      else block.line(eventText(event))
    },
    onProgress: (progress) => {
      block.update(progress)
      if (!output.isJson || clock() - toldAt < everyMs) return
      const event = progressEvent(progress)
      const text = JSON.stringify({ ...event, secondsLeft: undefined })
      // A run that only waits says so once.
      if (text === told) return
      told = text
      toldAt = clock()
      output.result(event, '')
    },
  }
}
