import { DatabaseSync } from 'node:sqlite'
import { expect, it } from 'vitest'
import { checkConfig } from '../../lib/config/load.ts'
import { openStream, topicsOf } from '../../lib/service/open-stream.ts'

const database = new DatabaseSync(':memory:')

it('refuses Kafka without brokers, and a password in the clear to another machine', () => {
  const open = (kafka: object) =>
    openStream(checkConfig({ stream: { adapter: 'kafka' }, kafka }), database)
  expect(() => open({})).toThrow('kafka.brokers: expected at least one host:port, got none')
  const auth = { kind: 'scram', username: 'alice', passwordFile: '/nowhere' }
  expect(() => open({ brokers: ['kafka.example:9092'], tls: false, auth })).toThrow('kafka.tls')
})

it('connects to no broker before it is asked for something', async () => {
  const kafka = { brokers: ['127.0.0.1:1'] }
  const stream = openStream(checkConfig({ stream: { adapter: 'kafka' }, kafka }), database)
  expect(stream.health()).toEqual({ ok: true, detail: 'open' })
  await stream.close({ deadlineMs: 1_000 })
})

it('makes as many partitions on Kafka as are configured, and one on this machine', () => {
  const partitions = (adapter: string) =>
    topicsOf(checkConfig({ stream: { adapter }, kafka: { partitions: 4 } })).map(
      (spec) => spec.partitions,
    )
  expect(partitions('kafka')).toEqual([4, 4, 1, 1])
  expect(partitions('sqlite')).toEqual([1, 1, 1, 1])
})
