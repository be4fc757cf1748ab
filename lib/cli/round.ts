import type { PipelineEvent } from '../service/events.ts'
import { run } from '../service/run.ts'
import { contextOf, type GlobalOptions } from './context.ts'
import { eventText } from './event-text.ts'
import { interruption } from './interruption.ts'
import { exitCodes } from './output.ts'
import { progressBlock } from './progress-block.ts'
import { expectDataFolder } from './with-pipeline.ts'

/** `contrastream round start` */
export async function roundStart(
  _: readonly (string | readonly string[])[],
  options: GlobalOptions,
): Promise<void> {
  const { config, output } = contextOf('round start', options)
  expectDataFolder(config)
  const block = progressBlock(output)
  const stop = interruption((text) => block.line(text))
  try {
    // What is in the log is applied first; folders are for `run`.
    const summary = await run(
      { ...config, ingest: { ...config.ingest, folders: [] } },
      {
        untilIdle: true,
        rounds: 1,
        now: Date.now,
        onEvent: (event: PipelineEvent) => {
          if (output.isJson) output.result({ ...event }, '')
          else block.line(eventText(event))
        },
        onProgress: block.update,
        signal: stop.signal,
      },
    )
    block.end()
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
    block.end()
    stop.release()
  }
}
