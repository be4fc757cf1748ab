import { run } from '../service/run.ts'
import { contextOf, type GlobalOptions } from './context.ts'
import { interruption } from './interruption.ts'
import { exitCodes } from './output.ts'
import { runReporter } from './run-reporter.ts'
import { expectDataFolder } from './with-pipeline.ts'

/** `contrastream round start` */
export async function roundStart(
  _: readonly (string | readonly string[])[],
  options: GlobalOptions,
): Promise<void> {
  const { config, output } = contextOf('round start', options)
  expectDataFolder(config)
  const reporter = runReporter(output)
  const stop = interruption(reporter.line, config.run.deadline)
  try {
    // What is in the log is applied first; folders are for `run`.
    const summary = await run(
      { ...config, ingest: { ...config.ingest, folders: [] } },
      {
        untilIdle: true,
        rounds: 1,
        now: Date.now,
        onEvent: reporter.onEvent,
        onProgress: reporter.onProgress,
        signal: stop.signal,
      },
    )
    reporter.end()
    const { verdict, reason, stable } = summary
    output.result({ event: 'summary', ...summary }, () =>
      [
        verdict === undefined ? 'no round' : `verdict: ${verdict} · stable ${stable ?? 'none'}`,
        ...(reason === undefined ? [] : [reason]),
      ].join('\n'),
    )
    if (stop.signal.aborted) process.exitCode = exitCodes.interrupted
    else if (verdict !== 'promote') process.exitCode = exitCodes.refused
  } finally {
    reporter.end()
    stop.release()
  }
}
