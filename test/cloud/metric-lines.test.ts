import { expect, it } from 'vitest'
import { metricLines } from '../../lib/cloud/metric-lines.ts'
import type { LearnerStatus } from '../../lib/service/events.ts'
import type { RoleName, RoleStatuses } from '../../lib/service/role.ts'

type Line = Readonly<Record<string, unknown>> & {
  readonly _aws: {
    readonly Timestamp: number
    readonly CloudWatchMetrics: readonly {
      readonly Namespace: string
      readonly Dimensions: readonly (readonly string[])[]
      readonly Metrics: readonly { readonly Name: string }[]
    }[]
  }
}

function world(role: RoleName) {
  const lines: Line[] = []
  const clock = { ms: 1_000_000 }
  const watcher = metricLines({
    pipeline: 'cats',
    role,
    now: () => clock.ms,
    write: (line) => lines.push(JSON.parse(line)),
  })
  const at = (ms: number, statuses: RoleStatuses): void => {
    clock.ms = 1_000_000 + ms
    watcher.onStatus(statuses)
  }
  return { lines, watcher, at }
}

const learner = (applied: number, lag = 0): RoleStatuses => ({
  learn: { applied, quarantined: 2, lag } as LearnerStatus,
})
const embedder = (id?: string): RoleStatuses => ({
  embed: {
    embedded: 0,
    erased: 0,
    duplicates: 0,
    quarantined: 0,
    lag: 5,
    served: undefined,
    backlog: 0,
    building: id === undefined ? undefined : { id, vectors: 0, coverage: 0 },
  },
})

it('declares what it prints, with pipeline and role as dimensions', () => {
  const { lines, at } = world('learn')
  at(0, learner(10, 7))
  const [line] = lines
  expect(line).toMatchObject({ pipeline: 'cats', role: 'learn', starts: 1, records_waiting: 7 })
  const [declared] = line?._aws.CloudWatchMetrics ?? []
  expect(declared?.Dimensions).toEqual([['pipeline', 'role']])
  for (const { Name } of declared?.Metrics ?? []) expect(line?.[Name]).toBeTypeOf('number')
})

it('prints once a minute, and what is new since then', () => {
  const { lines, at } = world('learn')
  at(0, learner(1_000))
  at(59_999, learner(1_005))
  at(60_000, learner(1_007))
  at(120_000, learner(1_007))
  expect(lines.map((line) => line['records_applied'])).toEqual([undefined, 7, 0])
  expect(lines.map((line) => line['starts'])).toEqual([1, undefined, undefined])
})

it('tells how long a round took, once', () => {
  const { lines, watcher, at } = world('learn')
  at(0, learner(1))
  watcher.onEvent({ event: 'round', seconds: 12.5 } as Parameters<typeof watcher.onEvent>[0])
  at(60_000, learner(1))
  at(120_000, learner(1))
  expect(lines.map((line) => line['round_seconds'])).toEqual([undefined, 12.5, undefined])
})

it('counts how long an index has been under way, from nothing for each', () => {
  const { lines, at } = world('embed')
  at(0, embedder('v2.1'))
  at(60_000, embedder('v2.1'))
  at(120_000, embedder('v3.1'))
  at(180_000, embedder())
  expect(lines.map((line) => line['index_building_seconds'])).toEqual([0, 60, 0, 0])
})

it('tells what answers, as a number', () => {
  const { lines, at } = world('serve')
  const release = { version: 'v12-0123456789ab', vectors: 99 }
  at(0, { serve: { release } } as unknown as RoleStatuses)
  expect(lines[0]).toMatchObject({ model_version: 12, index_vectors: 99 })
})
