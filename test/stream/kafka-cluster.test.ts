import { type Admin, Kafka, logLevel, type PartitionMetadata } from 'kafkajs'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { kafkaStream } from '../../lib/stream/kafka.ts'
import type { StreamPort } from '../../lib/stream/types.ts'
import { kafkaVersions } from '../kafka/broker.ts'
import { type Cluster, startCluster } from '../kafka/cluster.ts'
import { consumer, until } from './consumer.ts'
import { acked, recordsOf, sendAcked } from './harness.ts'
import { testOptions } from './kafka-stream.ts'

const partitions = [0, 1, 2] as const
const others = (number: number) => partitions.filter((one) => one !== number)

describe('kafkaStream on three brokers', () => {
  let cluster: Cluster
  const open: StreamPort[] = []
  const stream = (): StreamPort => {
    const options = { ...testOptions, sessionMs: 10_000 }
    const one = kafkaStream({ brokers: cluster.addresses, clientId: 'test' }, options)
    open.push(one)
    return one
  }

  beforeAll(async () => {
    cluster = await startCluster(kafkaVersions.newest)
  })
  afterAll(() => cluster?.dispose())
  afterEach(() => Promise.all(open.splice(0).map((one) => one.close({ deadlineMs: 2_000 }))))

  it('loses nothing when the leader of a partition is killed', async () => {
    const sender = stream()
    const topic = { name: 'killed', partitions: 3, policy: 'delete', maxBytes: 1_000 } as const
    await sender.ensureTopics([topic])
    const reader = await consumer(stream(), { topics: [topic.name] })
    const sent = new Map<string, string>()
    const counts = partitions.map(() => 0)
    const isOver = new AbortController()
    const sending = partitions.map(async (partition) => {
      while (!isOver.signal.aborted) {
        const value = `${partition}: ${counts[partition]}`
        const records = recordsOf(value).map((record) => ({ ...record, partition }))
        const [result] = await sender.send(topic.name, records, { deadlineMs: 60_000 })
        sent.set(`${topic.name}/${partition}@${acked(result).offset}`, value)
        counts[partition] = (counts[partition] as number) + 1
      }
    })
    const goOn = () => {
      const goals = counts.map((count) => count + 20)
      return until(() => expect(counts.every((count, i) => count >= (goals[i] ?? 0))).toBe(true))
    }
    await goOn()
    const before = await leader(topic.name)
    await cluster.kill(before)
    await goOn()
    expect(await leader(topic.name)).not.toBe(before)
    await cluster.start(before)
    await goOn()
    isOver.abort()
    await Promise.all(sending)
    await until(() => expect(new Set(reader.values())).toEqual(new Set(sent.values())))
    const found = new Map(
      reader.batches.flatMap(({ partition, records }) =>
        records.map((one) => [`${partition}@${one.offset}`, Buffer.from(one.value).toString()]),
      ),
    )
    expect([...sent].filter(([at, value]) => found.get(at) !== value)).toEqual([])
    expect(reader.fatal).toEqual([])
  })

  it('acknowledges nothing that too few brokers have, and goes on when they are back', async () => {
    const sender = stream()
    const topic = { name: 'few', partitions: 1, policy: 'delete', maxBytes: 1_000 } as const
    await sender.ensureTopics([topic])
    await sendAcked(sender, topic.name, recordsOf('before'))
    const left = await leader(topic.name)
    await cluster.kill(...others(left))
    const [meanwhile] = await sender.send(topic.name, recordsOf('meanwhile'), { deadlineMs: 8_000 })
    expect(meanwhile?.outcome).not.toBe('acked')
    await cluster.start(...others(left))
    const [after] = await sender.send(topic.name, recordsOf('after'), { deadlineMs: 30_000 })
    acked(after)
    const reader = await consumer(stream(), { topics: [topic.name] })
    await until(() => expect(reader.values()).toContain('after'))
    // What was refused is stored nowhere; of the unknown nobody can say.
    const isStored = reader.values().includes('meanwhile')
    expect(isStored && meanwhile?.outcome === 'refused').toBe(false)
  })

  it('refuses what a leader alone would have, and stores it once another is back', async () => {
    const [leading, following] = [0, 1]
    const replicas = [leading + 1, following + 1]
    await administer((admin) =>
      admin.createTopics({
        topics: [{ topic: 'pair', replicaAssignment: [{ partition: 0, replicas }] }],
      }),
    )
    const sender = stream()
    await sendAcked(sender, 'pair', recordsOf('before'))
    await cluster.kill(following)
    await until(async () => expect((await firstPartition('pair')).isr).toEqual([leading + 1]))
    const outcomes = new Map<string, string | undefined>()
    await until(async () => {
      const value = `alone ${outcomes.size}`
      const [alone] = await sender.send('pair', recordsOf(value), { deadlineMs: 1_000 })
      outcomes.set(value, alone?.outcome)
      expect(alone?.outcome).toBe('refused')
    })
    await cluster.start(following)
    await sendAcked(sender, 'pair', recordsOf('after'))
    const reader = await consumer(stream(), { topics: ['pair'] })
    await until(() => expect(reader.values()).toContain('after'))
    expect([...outcomes.values()]).not.toContain('acked')
    expect(reader.values().filter((value) => outcomes.get(value) === 'refused')).toEqual([])
  })

  async function administer<T>(work: (admin: Admin) => Promise<T>): Promise<T> {
    const kafka = new Kafka({ brokers: [...cluster.addresses], logLevel: logLevel.NOTHING })
    const admin = kafka.admin()
    await admin.connect()
    return work(admin).finally(() => admin.disconnect())
  }

  async function firstPartition(topic: string): Promise<PartitionMetadata> {
    const metadata = await administer((admin) => admin.fetchTopicMetadata({ topics: [topic] }))
    const first = metadata.topics[0]?.partitions.find(({ partitionId }) => partitionId === 0)
    if (first === undefined) throw new Error(`expected ${topic} to have a first partition`)
    return first
  }

  /** Number of the broker that leads the first partition of a topic. */
  const leader = async (topic: string): Promise<number> => (await firstPartition(topic)).leader - 1
})
