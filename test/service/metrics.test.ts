import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { parse } from 'yaml'
import { metricDefinitions, openMetrics } from '../../lib/service/metrics.ts'
import type { MetricRole } from '../../lib/service/metrics-definition.ts'

const root = join(import.meta.dirname, '../..')
const textOf = (path: string): string => readFileSync(join(root, path), 'utf8')

/** Names as Prometheus has them: a histogram is three series. */
const series = new Set(
  Object.entries(metricDefinitions).flatMap(([name, { kind }]) =>
    kind === 'histogram'
      ? ['bucket', 'sum', 'count'].map((part) => `contrastream_${name}_${part}`)
      : [`contrastream_${name}`],
  ),
)

it.each(['ops/prometheus-rules.yaml', 'ops/grafana-board.json'])(
  '%s names only metrics that there are',
  (path) => {
    const names = textOf(path).match(/contrastream_\w+/g) ?? []
    expect(names.length).toBeGreaterThan(10)
    expect(names.filter((name) => !series.has(name))).toEqual([])
  },
)

it('has a rule for each trouble that operators must hear of', () => {
  const { groups } = parse(textOf('ops/prometheus-rules.yaml'))
  const rules = groups[0].rules as { alert: string; expr: string }[]
  expect(rules.map(({ alert }) => alert.replace('Contrastream', ''))).toEqual([
    'OldestRecordTooOld',
    'LearnerStands',
    'RetentionHalfUsed',
    'QuarantineShare',
    'NoCheckpoint',
    'RoundFailed',
    'RefreshFailed',
    'ReplicasApart',
    'SlowAnswers',
    'Restarts',
  ])
})

it('shows every metric on the board but those that only alarms need', () => {
  const board = textOf('ops/grafana-board.json')
  const missing = Object.keys(metricDefinitions).filter(
    (name) => !board.includes(`contrastream_${name}`),
  )
  expect(missing).toEqual(['fence', 'refresh_seconds'])
})

it('defines no metric that nothing feeds', () => {
  const files = readdirSync(join(root, 'lib/service'), { recursive: true, encoding: 'utf8' })
  const feeders = files
    .filter(
      (path) => path.endsWith('.ts') && !/metrics-(flow|learning|release|http)\.ts$/.test(path),
    )
    .map((path) => textOf(`lib/service/${path}`))
    .join('\n')
  const unfed = Object.keys(metricDefinitions).filter((name) => !feeders.includes(`'${name}'`))
  expect(unfed).toEqual([])
})

it('has rules that ask for outcomes which are counted', () => {
  const asked = textOf('ops/prometheus-rules.yaml').matchAll(/contrastream_(\w+)\{outcome="(\w+)"/g)
  const help = new Map(Object.entries(metricDefinitions).map(([name, one]) => [name, one.help]))
  for (const [, name, outcome] of asked) expect(help.get(String(name))).toContain(outcome)
})

it.each(['serve', 'embed', 'learn'] as MetricRole[])(
  'gives every series of %s its role',
  async (role) => {
    const text = await openMetrics(role).text()
    const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
    expect(lines.length).toBeGreaterThan(10)
    expect(lines.filter((line) => !line.includes(`role="${role}"`))).toEqual([])
  },
)

it('counts, sets and observes, and asks for values when somebody reads', async () => {
  const metrics = openMetrics('serve')
  metrics.count('decode_total', { outcome: 'refused', reason: 'IMAGE_TYPE' })
  metrics.count('decode_total', { outcome: 'refused', reason: 'IMAGE_TYPE' }, 2)
  metrics.observe('search_seconds', {}, 0.002)
  metrics.onRead(() => metrics.set('index_vectors', {}, 7))
  const text = await metrics.text()
  expect(text).toContain('decode_total{outcome="refused",reason="IMAGE_TYPE",role="serve"} 3')
  expect(text).toContain('search_seconds_bucket{le="0.0025",role="serve"} 1')
  expect(text).toContain('contrastream_index_vectors{role="serve"} 7')
})

it('shows no gauge that nobody has measured', async () => {
  const metrics = openMetrics('serve')
  expect(await metrics.text()).not.toContain('contrastream_model_version{')
  metrics.set('model_version', {}, 0)
  expect(await metrics.text()).toContain('contrastream_model_version{role="serve"} 0')
})

it('knows no metric of another role', () => {
  expect(() => openMetrics('serve').set('buffer_images', {}, 1)).toThrow(/expected one of serve/)
})

it('is the only metrics client of the tree', () => {
  // Two clients have two registries, and whatever the other one counts is never read.
  const { packages } = JSON.parse(textOf('package-lock.json')) as {
    packages: Record<string, { dev?: boolean }>
  }
  const clients =
    /(^|\/)(prom-client|hot-shots|statsd-client|@opentelemetry\/sdk-metrics|@prometheus-io\/.*|appmetrics.*)$/
  const found = Object.entries(packages).filter(([path, { dev }]) => {
    return dev !== true && clients.test(path.slice(path.lastIndexOf('node_modules/') + 13))
  })
  expect(found.map(([path]) => path)).toEqual(['node_modules/prom-client'])
  const importers = readdirSync(join(root, 'lib'), { recursive: true, encoding: 'utf8' }).filter(
    (path) => path.endsWith('.ts') && textOf(`lib/${path}`).includes("from 'prom-client'"),
  )
  expect(importers).toEqual(['service/metrics.ts'])
})
