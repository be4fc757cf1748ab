import { ConfigError } from '../errors.ts'
import { run } from '../service/run.ts'
import { contextOf, type GlobalOptions } from './context.ts'
import { interruption } from './interruption.ts'
import { runReporter } from './run-reporter.ts'

interface RunCommandOptions extends GlobalOptions {
  readonly until?: string
  readonly rounds?: string
  readonly lineage?: string
  readonly warmStart?: string
  readonly from?: string
}

/** `earliest`, `latest` or a time, as ms since 1970. @throws {@link ConfigError} for anything else. */
function startOf(text: string): 'earliest' | 'latest' | number {
  if (text === 'earliest' || text === 'latest') return text
  const ms = Date.parse(text)
  if (/^\d{4}-\d\d-\d\d/.test(text) && !Number.isNaN(ms)) return ms
  throw new ConfigError(
    `--from: expected earliest, latest or a time such as 2026-05-01T12:00:00Z, got '${text}'`,
  )
}

/** A whole number ≥ 1 from the command line. */
export function wholeNumber(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const value = Number(text)
  if (Number.isInteger(value) && value >= 1) return value
  throw new ConfigError(`${option}: expected a whole number from 1, got '${text}'`)
}

/** `contrastream run` */
export async function runCommand(
  [folders]: readonly (string | readonly string[])[],
  options: RunCommandOptions,
): Promise<void> {
  const { until, lineage, warmStart, from } = options
  if (until !== undefined && until !== 'idle') {
    throw new ConfigError(`--until: expected idle, got '${until}'`)
  }
  const given = folders === undefined || folders.length === 0 ? undefined : folders
  const { config, output } = contextOf('run', options, [
    ...(given === undefined ? [] : [`ingest.folders=${JSON.stringify(given)}`]),
    ...(lineage === undefined ? [] : [`lineage=${lineage}`]),
  ])
  const rounds = wholeNumber('--rounds', options.rounds)
  const reporter = runReporter(output)
  const stop = interruption(reporter.line, config.run.deadline)
  try {
    const summary = await run(config, {
      untilIdle: until === 'idle',
      beginning: {
        ...(warmStart !== undefined && { warmStart }),
        ...(from !== undefined && { from: startOf(from) }),
      },
      ...(rounds !== undefined && { rounds }),
      now: Date.now,
      onEvent: reporter.onEvent,
      onProgress: reporter.onProgress,
      signal: stop.signal,
    })
    reporter.end()
    output.result({ event: 'summary', ...summary }, () =>
      [
        `${summary.applied} pictures applied, ${summary.heldOut} of them held out · ${summary.duplicates} duplicates · ${summary.quarantined} in quarantine`,
        `${summary.rounds} rounds · stable ${summary.stable ?? 'none'}${summary.verdict === undefined ? '' : ` · last verdict: ${summary.verdict}`}`,
        ...(summary.reason === undefined ? [] : [summary.reason]),
      ].join('\n'),
    )
    if (stop.signal.aborted) process.exitCode = stop.exitCode
  } finally {
    reporter.end()
    stop.release()
  }
}
