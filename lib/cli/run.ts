import { roleWatchers } from '../cloud/role-watchers.ts'
import type { Config } from '../config/schema.ts'
import { ConfigError } from '../errors.ts'
import type { IngestProgress } from '../service/ingester.ts'
import { type RoleName, type RoleStatuses, roleNames } from '../service/role.ts'
import { type RunProgress, type RunSummary, run } from '../service/run.ts'
import { runRole } from '../service/run-role.ts'
import { supervise } from '../service/supervisor.ts'
import { contextOf, type GlobalOptions } from './context.ts'
import { interruption } from './interruption.ts'
import { exitCodes } from './output.ts'
import { runReporter } from './run-reporter.ts'

interface RunCommandOptions extends GlobalOptions {
  readonly role?: string
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

/** @throws {@link ConfigError} for a role that does not exist, or cannot be alone. */
function roleOf(text: string, { stream }: Config): RoleName {
  const role = roleNames.find((name) => name === text)
  if (role === undefined) {
    throw new ConfigError(`--role: expected ${roleNames.join(', ')}, got '${text}'`)
  }
  if (stream.adapter === 'kafka') return role
  throw new ConfigError(
    `--role: expected stream.adapter kafka, got ${stream.adapter}, which one machine shares; leave --role out to run all roles here`,
  )
}

const nothingRead: IngestProgress = { found: 0, sent: 0, known: 0, quarantined: 0, ignored: 0 }

/** Tells where roles stand, once the learner is among them. */
function tellAll(onProgress: (progress: RunProgress) => void): (statuses: RoleStatuses) => void {
  return ({ serve, embed, learn: learner }) => {
    if (learner === undefined) return
    onProgress({ ingest: serve?.ingest ?? nothingRead, learner, embed, serve })
  }
}

function summaryText(summary: RunSummary): string {
  const { applied, heldOut, duplicates, quarantined, rounds, stable, verdict, reason } = summary
  const verdictText = verdict === undefined ? '' : ` · last verdict: ${verdict}`
  return [
    `${applied} pictures applied, ${heldOut} of them held out · ${duplicates} duplicates · ${quarantined} in quarantine`,
    `${rounds} rounds · stable ${stable ?? 'none'}${verdictText}`,
    ...(reason === undefined ? [] : [reason]),
  ].join('\n')
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
  const beginning = {
    ...(warmStart !== undefined && { warmStart }),
    ...(from !== undefined && { from: startOf(from) }),
  }
  const rounds = wholeNumber('--rounds', options.rounds)
  const role = options.role === undefined ? undefined : roleOf(options.role, config)
  const reporter = runReporter(output)
  const { line: tell, onEvent, onProgress } = reporter
  const stop = interruption(tell, config.run.deadline)
  const { signal } = stop
  // Who sends SIGTERM may still send requests; who presses a key does not.
  const drain = () => stop.exitCode === exitCodes.done
  try {
    if (role !== undefined) {
      const settings = { config, beginning, restarts: 0 }
      const write = (line: string): boolean => process.stdout.write(`${line}\n`)
      const watcher = roleWatchers({ pipeline: config.name, role, tell, write })
      await runRole(role, settings, {
        ...{ now: Date.now, signal, drain },
        onEvent: (event) => {
          onEvent(event)
          watcher.onEvent(event)
        },
        onStatus: watcher.onStatus,
      })
    } else {
      const isEndless = until === undefined && rounds === undefined
      const summary = isEndless
        ? await supervise(config, {
            beginning,
            signal,
            drain,
            onEvent,
            onProgress: tellAll(onProgress),
          })
        : await run(config, {
            ...{ beginning, signal, onEvent, now: Date.now, untilIdle: until === 'idle' },
            ...(rounds !== undefined && { rounds }),
            onProgress,
          })
      reporter.end()
      output.result({ event: 'summary', ...summary }, () => summaryText(summary))
    }
    if (signal.aborted) process.exitCode = stop.exitCode
  } finally {
    reporter.end()
    stop.release()
  }
}
