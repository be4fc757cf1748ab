/**
 * Records a second through the stream port into a real broker, beside Kafka's own
 * `kafka-producer-perf-test` on the same broker, taking turns; a line of JSON for each turn.
 *
 *     node bench/speed/kafka-send.ts [envelopes] [pictures] [turns] [seed]
 */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type Random, randomStream } from '../../lib/engine/random.ts'
import { kafkaStream } from '../../lib/stream/kafka.ts'
import type { OutRecord, StreamPort } from '../../lib/stream/types.ts'
import { type Broker, kafkaVersions, startBroker } from '../../test/kafka/broker.ts'

/** What a turn of both measured. */
interface SendSpeed {
  readonly bench: 'kafka-send'
  readonly kafka: string
  readonly record: Kind
  readonly bytes: number
  readonly count: number
  /** Acked records a second. */
  readonly ours: number
  readonly peer: number
}

type Kind = 'envelope' | 'picture'

const run = promisify(execFile)
const version = kafkaVersions.newest
/** Records that are sent again and again. */
const samples = 200
/** Calls of ours under way at a time, and records of each. */
const calls = 8
const recordsEach = 100
/** Both warm up with this share of what is measured. */
const warmUp = 0.25
/** What a picture from a camera takes at the size that models look at. */
const pictureBytes = 50_000

/** A digest in hex: no two records are alike, and none can be packed well. */
function digest(random: Random): string {
  const words = Array.from({ length: 8 }, () => random.integer(2 ** 31).toString(16))
  return words.map((word) => word.padStart(8, '0')).join('')
}

function envelope(random: Random): Uint8Array {
  const fields = { v: 1, sha256: digest(random), bytes: 48_213, mediaType: 'image/jpeg' }
  return new TextEncoder().encode(JSON.stringify({ ...fields, source: 'gate' }))
}

function picture(random: Random): Uint8Array {
  const bytes = Uint8Array.from({ length: pictureBytes }, () => random.integer(256))
  bytes.set([0xff, 0xd8, 0xff])
  return bytes
}

/** Records a second, several calls at a time; each record must be acked. */
async function ours(
  stream: StreamPort,
  topic: string,
  records: readonly OutRecord[],
  count: number,
): Promise<number> {
  let sent = 0
  const sender = async () => {
    while (sent < count) {
      const part = records.slice(sent % records.length, (sent % records.length) + recordsEach)
      sent += part.length
      const results = await stream.send(topic, part, { deadlineMs: 60_000 })
      if (results.some(({ outcome }) => outcome !== 'acked')) throw new Error('not all were acked')
    }
  }
  const begin = performance.now()
  await Promise.all(Array.from({ length: calls }, sender))
  return (sent / (performance.now() - begin)) * 1_000
}

/** The same with Kafka's own tool; what it says after its own warm-up. */
async function peer(
  broker: Broker,
  topic: string,
  payload: readonly string[],
  count: number,
): Promise<number> {
  const warm = Math.ceil(warmUp * count)
  const jars = await run(fileURLToPath(new URL('../../test/kafka/jars.sh', import.meta.url)), [
    version,
  ])
  const { stdout } = await run('java', [
    ...['-cp', `${jars.stdout.trim()}/*`, 'org.apache.kafka.tools.ProducerPerformance'],
    ...['--topic', topic, '--num-records', `${count + warm}`, ...payload],
    ...['--warmup-records', `${warm}`, '--throughput', '-1'],
    ...['--bootstrap-server', `127.0.0.1:${broker.port}`, '--command-property', 'acks=all'],
  ])
  const said = stdout.trim().split('\n').at(-1) ?? ''
  const speed = Number(/([\d.]+) records\/sec/.exec(said)?.[1])
  if (!(speed > 0)) throw new Error(`kafka-send: expected records/sec of the tool, got ${said}`)
  return speed
}

const numbers = process.argv.slice(2).map(Number)
const [envelopes = 200_000, pictures = 4_000, turns = 5, seed = 1] = numbers
const random = randomStream(seed, 'kafka-send')
const folder = mkdtempSync(join(tmpdir(), 'contrastream-kafka-send-'))
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
    const values = Array.from({ length: samples }, () => make(random))
    const records = values.map((value) => ({ value, partition: 0 }))
    const bytes = values[0]?.length ?? 0
    // The tool reads lines of text: the very envelopes. Pictures it makes up, as large as ours.
    const file = join(folder, 'envelopes')
    writeFileSync(file, values.map((value) => Buffer.from(value).toString('latin1')).join('\n'))
    const payload = record === 'envelope' ? ['--payload-file', file] : ['--record-size', `${bytes}`]
    await stream.ensureTopics([{ name: record, partitions: 1, policy: 'delete', maxBytes: 1e6 }])
    for (let turn = 0; turn < turns; turn += 1) {
      const speeds = { ours: 0, peer: 0 }
      const inTurn = {
        ours: async () => {
          await ours(stream, record, records, warmUp * count)
          speeds.ours = Math.round(await ours(stream, record, records, count))
        },
        peer: async () => {
          speeds.peer = Math.round(await peer(broker, record, payload, count))
        },
      }
      // Neither always follows the other's last writes to the disk.
      const order = turn % 2 === 0 ? (['ours', 'peer'] as const) : (['peer', 'ours'] as const)
      for (const who of order) await inTurn[who]()
      const common = { bench: 'kafka-send', kafka: version, record, bytes, count } as const
      console.log(JSON.stringify({ ...common, ...speeds } satisfies SendSpeed))
    }
  }
  await stream.close({ deadlineMs: 5_000 })
} finally {
  await broker.dispose()
  rmSync(folder, { recursive: true })
}
