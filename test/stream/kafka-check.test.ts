import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { checkConfig } from '../../lib/config/load.ts'
import { ensurePipelineTopics } from '../../lib/service/open-stream.ts'
import { kafkaStream } from '../../lib/stream/kafka.ts'
import { checkKafka } from '../../lib/stream/kafka-check.ts'
import type { KafkaConnection } from '../../lib/stream/kafka-options.ts'
import type { StreamPort, TopicSpec } from '../../lib/stream/types.ts'
import { type Broker, kafkaVersions, startBroker } from '../kafka/broker.ts'
import { consumer, until } from './consumer.ts'

const folder = mkdtempSync(join(tmpdir(), 'contrastream-check-'))
const passwordFile = join(folder, 'password')
writeFileSync(passwordFile, 'open sesame')

let broker: Broker
let scramPort = 0
let spaces = 0
const open: StreamPort[] = []

/** A broker on which alice has no rights, and everybody without a login has all. */
beforeAll(async () => {
  broker = await startBroker(kafkaVersions.newest, ([first = 0]) => {
    scramPort = first
    const plain = first - 2
    const listeners = `PLAINTEXT://127.0.0.1:${plain},SCRAM://127.0.0.1:${first}`
    return [
      `listeners=${listeners},CONTROLLER://127.0.0.1:${plain + 1}`,
      `advertised.listeners=${listeners}`,
      'listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SCRAM:SASL_PLAINTEXT',
      'listener.name.scram.sasl.enabled.mechanisms=SCRAM-SHA-512',
      'listener.name.scram.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;',
      'add.scram=SCRAM-SHA-512=[name=alice,password=open sesame]',
      'authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      'super.users=User:ANONYMOUS',
    ]
  })
})
afterEach(() => Promise.all(open.splice(0).map((one) => one.close({ deadlineMs: 1_000 }))))
afterAll(async () => {
  await broker.dispose()
  rmSync(folder, { recursive: true })
})

const all = (): KafkaConnection => ({
  brokers: [`127.0.0.1:${broker.port}`],
  clientId: 'contrastream-main',
})
const alice = (): KafkaConnection => ({
  brokers: [`127.0.0.1:${scramPort}`],
  clientId: 'contrastream-main',
  auth: { kind: 'scram', mechanism: 'scram-sha-512', username: 'alice', passwordFile },
  tls: false,
})

const hourMs = 3_600_000
const pictures = {
  ...{ name: 'pictures', partitions: 2, policy: 'delete', maxBytes: 10_000 },
  retentionMs: 168 * hourMs,
} as const satisfies TopicSpec
const vectors = { ...pictures, name: 'vectors' }

/** Topics of their own for each test, and what is wrong with them. */
function site() {
  const options = { topicPrefix: `s${++spaces}.`, requestMs: 4_000 }
  const stream = (connection = all()) => {
    const one = kafkaStream(connection, options)
    open.push(one)
    return one
  }
  return {
    stream,
    make: (...specs: readonly TopicSpec[]) => stream().ensureTopics(specs),
    faults: async (connection = all(), createTopics = true, groups: readonly string[] = []) => {
      const found = await checkKafka(
        connection,
        { ...options, createTopics },
        { topics: [pictures, vectors], alike: [pictures.name, vectors.name], groups },
      )
      return found.filter(({ ok }) => !ok)
    },
    named: (name: string) => `${options.topicPrefix}${name}`,
  }
}

it('finds nothing wrong with topics that it made, or that are still to be made', async () => {
  const { make, faults } = site()
  expect(await faults()).toEqual([])
  await make(pictures, vectors)
  expect(await faults()).toEqual([])
})

it.each<[string, Partial<TopicSpec>, RegExp, RegExp]>([
  ['too few partitions', { partitions: 1 }, /^1 partitions, .* 2$/, /kafka\.partitions to 1/],
  ['records that are compacted', { policy: 'compact' }, /are compacted/, /cleanup\.policy/],
  ['room for small records only', { maxBytes: 10 }, /4106 bytes/, /max\.message\.bytes/],
  ['a short memory', { retentionMs: hourMs }, /for 1 h, expected 168 h/, /log\.retention\.hours/],
])('names a topic with %s', async (_, wrong, detail, remedy) => {
  const { make, faults, named } = site()
  const partitions = wrong.partitions ?? 2
  await make({ ...pictures, ...wrong }, { ...vectors, partitions })
  const found = await faults()
  expect(found[0]).toEqual({
    ...{ what: `topic ${named('pictures')}`, ok: false },
    detail: expect.stringMatching(detail),
    remedy: expect.stringMatching(remedy),
  })
})

it('names a topic of vectors that has not the partitions of the pictures', async () => {
  const { make, faults, named } = site()
  await make(pictures, { ...vectors, partitions: 3 })
  expect(await faults()).toEqual([
    {
      ...{ what: `topic ${named('vectors')}`, ok: false },
      detail: `3 partitions, ${named('pictures')} has 2`,
      remedy: expect.stringContaining('with 2 partitions'),
    },
  ])
})

it('names a missing topic where it may not make it', async () => {
  const { faults } = site()
  const found = await faults(all(), false)
  expect(found.map(({ detail }) => detail)).toEqual(['does not exist', 'does not exist'])
  expect(found[0]?.remedy).toContain('make it with 2 partitions')
})

it('names the rights that a login lacks', async () => {
  const { make, faults, named } = site()
  await make(pictures, vectors)
  const found = await faults(alice(), true, ['a-group'])
  expect(found.map(({ what, remedy }) => [what, remedy])).toEqual([
    [`topic ${named('pictures')}`, expect.stringContaining('DESCRIBE')],
    [`topic ${named('vectors')}`, expect.stringContaining('DESCRIBE')],
    ['group a-group', expect.stringContaining('DESCRIBE on the group a-group')],
  ])
  await expect(site().stream(alice()).ensureTopics([pictures])).rejects.toMatchObject({
    reason: 'forbidden',
  })
})

it('names a stranger in a group', async () => {
  const { stream, make, faults } = site()
  await make(pictures, vectors)
  const group = 'contrastream-main-learn'
  const foreign = stream({ ...all(), clientId: 'console-consumer' })
  const stranger = await consumer(foreign, { topics: ['pictures'], group })
  await until(() => expect(stranger.assigned).toHaveLength(1))
  expect(await faults(all(), true, [group])).toEqual([
    {
      ...{ what: `group ${group}`, ok: false },
      detail: expect.stringMatching(/console-consumer at .*127\.0\.0\.1/),
      remedy: expect.stringContaining('a group of its own'),
    },
  ])
})

it('says that no broker answers', async () => {
  const { faults } = site()
  expect(await faults({ ...all(), brokers: ['127.0.0.1:1'] })).toMatchObject([{ what: 'brokers' }])
})

it('gives vectors the partitions of pictures, and refuses a topic with others', async () => {
  const ours = { brokers: [`127.0.0.1:${broker.port}`], partitions: 2 }
  const config = (name: string) => checkConfig({ name, stream: { adapter: 'kafka' }, kafka: ours })
  const streamOf = (name: string) => {
    const one = kafkaStream(all(), { topicPrefix: `${name}.` })
    open.push(one)
    return one
  }
  const wide = streamOf('wide')
  await wide.ensureTopics([{ ...pictures, name: 'images.unlabeled', partitions: 5 }])
  await ensurePipelineTopics(wide, config('wide'))
  expect(await wide.watermarks('images.embedded')).toHaveLength(5)
  const mixed = streamOf('mixed')
  await mixed.ensureTopics([{ ...pictures, name: 'images.embedded', partitions: 1 }])
  await expect(ensurePipelineTopics(mixed, config('mixed'))).rejects.toThrow(
    'expected images.embedded to have the 2 partitions of images.unlabeled, got 1',
  )
})
