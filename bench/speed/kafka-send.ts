/**
 * Records a second through the stream port into a real broker, beside Kafka's own
 * `kafka-producer-perf-test` on the same broker, as one line of JSON for each kind of record.
 *
 *     node bench/speed/kafka-send.ts [envelopes] [pictures]
 */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { randomStream } from '../../lib/engine/random.ts'
import { kafkaStream } from '../../lib/stream/kafka.ts'
import type { OutRecord, StreamPort } from '../../lib/stream/types.ts'
import { type Broker, kafkaVersions, startBroker } from '../../test/kafka/broker.ts'

/** What a run measured. */
interface SendSpeed {
  readonly bench: 'kafka-send'
  readonly kafka: string
  readonly record: 'envelope' | 'picture'
  readonly bytes: number
  readonly count: number
  /** Acked records a second. */
  readonly ours: number
  readonly peer: number
  readonly ratio: number
}

const run = promisify(execFile)
const version = kafkaVersions.newest
const random = randomStream(1, 'kafka-send')

/** A digest in hex: no two records are alike, and none can be packed well. */
const digest = () =>
  Array.from({ length: 8 }, () =>
    random
      .integer(2 ** 31)
      .toString(16)
      .padStart(8, '0'),
  ).join('')

function envelope(): OutRecord {
  const fields = { v: 1, sha256: digest(), bytes: 48_213, mediaType: 'image/jpeg', source: 'gate' }
  return { value: new TextEncoder().encode(JSON.stringify(fields)), partition: 0 }
}

function picture(): OutRecord {
  const value = Uint8Array.from({ length: 50_000 }, () => random.integer(256))
  return { value: Uint8Array.of(0xff, 0xd8, 0xff, ...value), partition: 0 }
}

/** Records a second, several calls of a hundred at a time; each must be acked. */
async function ours(
  stream: StreamPort,
  topic: string,
  records: readonly OutRecord[],
  count: number,
) {
  const calls = 8
  let sent = 0
  const begin = performance.now()
  const sender = async () => {
    while (sent < count) {
      const part = Array.from({ length: 100 }, (_, i) => records[(sent + i) % records.length])
      sent += part.length
      const results = await stream.send(topic, part as OutRecord[], { deadlineMs: 60_000 })
      if (results.some(({ outcome }) => outcome !== 'acked')) throw new Error('not all were acked')
    }
  }
  await Promise.all(Array.from({ length: calls }, sender))
  return (sent / (performance.now() - begin)) * 1_000
}

/** The same with Kafka's own tool, random bytes. */
async function peer(broker: Broker, topic: string, bytes: number, count: number): Promise<number> {
  const jars = await run(fileURLToPath(new URL('../../test/kafka/jars.sh', import.meta.url)), [
    version,
  ])
  const { stdout } = await run('java', [
    ...['-cp', `${jars.stdout.trim()}/*`, 'org.apache.kafka.tools.ProducerPerformance'],
    ...['--topic', topic, '--num-records', `${count}`, '--record-size', `${bytes}`],
    ...['--throughput', '-1', '--producer-props'],
    ...[`bootstrap.servers=127.0.0.1:${broker.port}`, 'acks=all'],
  ])
  return Number(/([\d.]+) records\/sec/.exec(stdout.trim().split('\n').at(-1) ?? '')?.[1])
}

const [envelopes = 200_000, pictures = 5_000] = process.argv.slice(2).map(Number)
const broker = await startBroker(version, (ports) => [
  // Both clients speak with the broker itself, not through the proxy of the tests.
  `advertised.listeners=PLAINTEXT://127.0.0.1:${(ports[0] as number) - 2}`,
])
try {
  const stream = kafkaStream({ brokers: [`127.0.0.1:${broker.port}`], clientId: 'bench' })
  for (const [record, make, count] of [
    ['envelope', envelope, envelopes],
    ['picture', picture, pictures],
  ] as const) {
    await stream.ensureTopics([{ name: record, partitions: 1, policy: 'delete', maxBytes: 1e6 }])
    const records = Array.from({ length: 200 }, make)
    await ours(stream, record, records, count / 10) // warms up
    const bytes = records[0]?.value.length ?? 0
    const mine = await ours(stream, record, records, count)
    const theirs = await peer(broker, record, bytes, count)
    const ratio = Math.round((mine / theirs) * 100) / 100
    const speeds = { ours: Math.round(mine), peer: Math.round(theirs), ratio }
    const measured: SendSpeed = {
      bench: 'kafka-send',
      kafka: version,
      record,
      bytes,
      count,
      ...speeds,
    }
    console.log(JSON.stringify(measured))
  }
  await stream.close({ deadlineMs: 5_000 })
} finally {
  await broker.dispose()
}
