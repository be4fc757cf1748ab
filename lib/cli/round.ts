import { userInfo } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import type { Config } from '../config/schema.ts'
import { BusyError } from '../errors.ts'
import { requestRound, roundAnswer } from '../service/requests.ts'
import { type RunSummary, run } from '../service/run.ts'
import { contextOf, type GlobalOptions } from './context.ts'
import { type Interruption, interruption } from './interruption.ts'
import { exitCodes, type Output } from './output.ts'
import { type RunReporter, runReporter } from './run-reporter.ts'
import { expectDataFolder, withPipeline } from './with-pipeline.ts'

interface RoundStartOptions extends GlobalOptions {
  readonly wait?: boolean
}

const lookEveryMs = 500

/** Runs a round in this process, on what is in the log; undefined if a service does the work. */
async function runHere(
  config: Config,
  { onEvent, onProgress }: RunReporter,
  { signal }: Interruption,
): Promise<RunSummary | undefined> {
  try {
    return await run(
      { ...config, ingest: { ...config.ingest, folders: [] } },
      { untilIdle: true, rounds: 1, now: Date.now, onEvent, onProgress, signal },
    )
  } catch (error) {
    if (error instanceof BusyError) return undefined
    throw error
  }
}

/** Asks the service that works on the data folder for a round. */
async function askService(
  config: Config,
  output: Output,
  { wait = false }: RoundStartOptions,
  { signal }: Interruption,
): Promise<void> {
  await withPipeline(config, async ({ documents }) => {
    const by = `cli:${userInfo().username}`
    const { seq } = await requestRound(documents, { by, at: Date.now(), why: 'round start' })
    if (!wait) {
      output.result({ event: 'requested', request: seq }, 'asked the service for a round')
      return
    }
    output.note('waits for the verdict of the service that runs')
    while (!signal.aborted) {
      const answer = await roundAnswer(documents)
      if (answer !== undefined && answer.seq >= seq) {
        const { verdict, reason } = answer
        const text = verdict === undefined ? 'no round' : `verdict: ${verdict}`
        output.result({ event: 'answered', request: seq, verdict, reason }, `${text}\n${reason}`)
        if (verdict !== 'promote') process.exitCode = exitCodes.refused
        return
      }
      await delay(lookEveryMs, undefined, { signal }).catch(() => undefined)
    }
  })
}

/** `contrastream round start` */
export async function roundStart(
  _: readonly (string | readonly string[])[],
  options: RoundStartOptions,
): Promise<void> {
  const { config, output } = contextOf('round start', options)
  expectDataFolder(config)
  const reporter = runReporter(output)
  const stop = interruption(reporter.line, config.run.deadline)
  try {
    const summary = await runHere(config, reporter, stop)
    reporter.end()
    if (summary === undefined) await askService(config, output, options, stop)
    else {
      const { verdict, reason, stable } = summary
      output.result({ event: 'summary', ...summary }, () =>
        [
          verdict === undefined ? 'no round' : `verdict: ${verdict} · stable ${stable ?? 'none'}`,
          ...(reason === undefined ? [] : [reason]),
        ].join('\n'),
      )
      if (verdict !== 'promote') process.exitCode = exitCodes.refused
    }
    if (stop.signal.aborted) process.exitCode = exitCodes.interrupted
  } finally {
    reporter.end()
    stop.release()
  }
}
