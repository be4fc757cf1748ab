import { metricNames, metricNamespace } from '../config/names.ts'
import { versionNumber } from '../registry/version-id.ts'
import type { PipelineEvent } from '../service/events.ts'
import type { RoleName, RoleStatuses } from '../service/role.ts'

/** Whoever watches a role. */
export interface RoleWatcher {
  onStatus(statuses: RoleStatuses): void
  onEvent(event: PipelineEvent): void
}

/** What {@link metricLines} needs. */
export interface MetricLinesOptions {
  /** Name of the pipeline. */
  readonly pipeline: string
  readonly role: RoleName
  /** The time of day, ms since 1970. */
  readonly now: () => number
  /** Writes one line of the log. */
  readonly write: (line: string) => void
  /** Least time between two lines, ms. Default 60,000. */
  readonly everyMs?: number
}

type Values = Partial<Record<keyof typeof metricNames, number>>

const defaultEveryMs = 60_000

/**
 * Prints where a role stands as lines of its log, in the embedded metric format, from which
 * CloudWatch makes metrics without an agent.
 */
export function metricLines(options: MetricLinesOptions): RoleWatcher {
  const { pipeline, role, now, write, everyMs = defaultEveryMs } = options
  let printedAt = Number.NEGATIVE_INFINITY
  let printed: Totals = { applied: 0, quarantined: 0 }
  let pending: Values = { starts: 1 }
  let building: { readonly id: string; readonly since: number } | undefined

  const print = (values: Values, at: number): void => {
    const named = Object.entries(values).map(([key, value]) => [
      metricNames[key as keyof typeof metricNames],
      value,
    ])
    const dimensions = { pipeline, role }
    const metrics = {
      Namespace: metricNamespace,
      Dimensions: [Object.keys(dimensions)],
      Metrics: named.map(([Name]) => ({ Name })),
    }
    const line = { ...dimensions, ...Object.fromEntries(named) }
    write(JSON.stringify({ ...line, _aws: { Timestamp: at, CloudWatchMetrics: [metrics] } }))
  }

  return {
    onEvent: (event) => {
      if (event.event === 'round') pending = { ...pending, roundSeconds: event.seconds }
    },
    onStatus: (statuses) => {
      const at = now()
      const id = statuses.embed?.building?.id
      if (id !== building?.id) building = id === undefined ? undefined : { id, since: at }
      if (at - printedAt < everyMs) return
      const totals = totalsOf(statuses)
      const values: Values = {
        ...pending,
        ...levelsOf(statuses),
        // The learner's totals outlive it; what it found when it started is not news.
        ...(totals && printedAt > 0 && rises(totals, printed)),
        ...(role === 'embed' && { buildingSeconds: building ? (at - building.since) / 1_000 : 0 }),
      }
      print(values, at)
      if (totals) printed = totals
      pending = {}
      printedAt = at
    },
  }
}

interface Totals {
  readonly applied: number
  readonly quarantined: number
}

function totalsOf({ learn, embed }: RoleStatuses): Totals | undefined {
  if (learn) return { applied: learn.applied, quarantined: learn.quarantined }
  return embed && { applied: embed.embedded, quarantined: embed.quarantined }
}

function rises(now: Totals, before: Totals): Totals {
  return {
    applied: Math.max(0, now.applied - before.applied),
    quarantined: Math.max(0, now.quarantined - before.quarantined),
  }
}

function levelsOf({ learn, embed, serve }: RoleStatuses): Values {
  const waiting = learn?.lag ?? embed?.lag
  const version = serve?.release && versionNumber(serve.release.version)
  return {
    ...(waiting !== undefined && { waiting }),
    ...(version !== undefined && { modelVersion: version }),
    ...(serve?.release && { indexVectors: serve.release.vectors }),
  }
}
