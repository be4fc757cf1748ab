import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { KafkaStreamOptions } from '../../lib/stream/kafka-options.ts'
import type { StreamPort } from '../../lib/stream/types.ts'
import { type Broker, kafkaVersions, startBroker } from '../kafka/broker.ts'
import { apiKeys } from '../support/tcp-proxy.ts'
import { type Consumer, consumer, until } from './consumer.ts'
import { acked, bytes, recordsOf, sendAcked, topics } from './harness.ts'
import { deleteBelow } from './kafka-harness.ts'
import { testStream } from './kafka-stream.ts'

/** What only a broker can do to a stream: the newest line stands for both. */
const version = kafkaVersions.newest

describe('kafkaStream, when the brokers or the way to them fail', () => {
  let broker: Broker
  let space: string
  const open: StreamPort[] = []
  const stream = (options: KafkaStreamOptions = {}): StreamPort => {
    const one = testStream(broker.address, space, options)
    open.push(one)
    return one
  }

  beforeAll(async () => {
    broker = await startBroker(version)
  })
  afterAll(() => broker.dispose())
  beforeEach(async () => {
    space = `f${randomUUID().slice(0, 8)}`
    await stream().ensureTopics(topics)
  })
  afterEach(async () => {
    broker.proxy.mode('pass')
    broker.proxy.loseAnswers(apiKeys.produce, 0)
    await Promise.all(open.splice(0).map((one) => one.close({ deadlineMs: 2_000 })))
  })

  it('stores at each acked offset that very record, whatever answers are lost', async () => {
    const sender = stream()
    const values = Array.from({ length: 60 }, (_, i) => `record ${i}`)
    broker.proxy.loseAnswers(apiKeys.produce, 3)
    const sent = await Promise.all(
      values.map(async (value, i) => {
        const record = { value: bytes(value), partition: i % 3 }
        const [result] = await sender.send('t3', [record], { deadlineMs: 20_000 })
        return [`${acked(result).partition}@${acked(result).offset}`, value] as const
      }),
    )
    expect(broker.proxy.toLose()).toBe(0)
    expect(await misplaced(sender, new Map(sent))).toEqual([])
  })

  it('answers unknown at the deadline for what may be stored, and refuses what is not', async () => {
    const sender = stream()
    await sendAcked(sender, 't', recordsOf('known'))
    broker.proxy.loseAnswers(apiKeys.produce, 100)
    const doubtful = sender.send('t', recordsOf('a'), { deadlineMs: 1_000 })
    expect((await doubtful).map(({ outcome }) => outcome)).toEqual(['unknown'])
    broker.proxy.loseAnswers(apiKeys.produce, 0)
    await broker.stop()
    const away = stream()
    const refused = await away.send('t', recordsOf('b'), { deadlineMs: 500 })
    expect(refused.map(({ outcome }) => outcome)).toEqual(['refused'])
    expect(away.health().ok).toBe(false)
    await broker.start()
    await sendAcked(away, 't', recordsOf('c'))
    expect(away.health()).toEqual({ ok: true, detail: 'open' })
  })

  it.each([
    ['a kill of the broker', () => broker.kill().then(() => broker.start())],
    ['a stop of the broker', () => broker.stop().then(() => broker.start())],
    ['an outage of the network', () => outage('refuse', 8_000)],
    ['a black hole', () => outage('black-hole', 5_000)],
    ['peers that vanish without a word', async () => broker.proxy.vanish()],
  ])('loses nothing and gives up nothing over %s', async (_, fail) => {
    const sender = stream()
    const reader = await consumer(stream(), { start: 'committed' })
    const sent = new Map<string, string>()
    let isOver = false
    const sending = (async () => {
      for (let i = 0; !isOver || i < 20; i++) {
        const [result] = await sender.send('t', recordsOf(`${i}`), { deadlineMs: 60_000 })
        sent.set(`t/0@${acked(result).offset}`, `${i}`)
      }
    })()
    await reader.received(5)
    await fail()
    isOver = true
    await sending
    await received(reader, [...sent.values()])
    expect(reader.fatal).toEqual([])
    expect(await misplaced(stream(), sent)).toEqual([])
    // Again what it had, perhaps, but never in another order.
    const firsts = [...new Set(reader.values())].map(Number)
    expect(firsts).toEqual(firsts.toSorted((a, b) => a - b))
  })

  it('joins its group again after a leader and the coordinator were away at once', async () => {
    const sender = stream()
    // Within its session: the group still counts on the member that could not join.
    const reader = await consumer(stream({ sessionMs: 25_000 }), { start: 'committed' })
    await sendAcked(sender, 't', recordsOf('a'))
    await reader.received(1)
    broker.proxy.failAnswer(apiKeys.findCoordinator, loadInProgress, () => afterThrottle)
    broker.proxy.failAnswer(apiKeys.fetch, notLeader, ofFirstPartition)
    await until(() => expect(reader.revoked).toEqual(['lost']))
    await sendAcked(sender, 't', recordsOf('b'))
    await received(reader, ['a', 'b'])
    expect(reader.fatal).toEqual([])
  })

  it('comes back as the member that it was: nobody waits for its session to end', async () => {
    const sender = stream()
    const reader = await consumer(stream({ sessionMs: 60_000 }), { start: 'committed' })
    await sendAcked(sender, 't', recordsOf('a'))
    await reader.received(1)
    broker.proxy.mode('refuse')
    broker.proxy.reset()
    await until(() => expect(reader.revoked).toEqual(['lost']))
    broker.proxy.mode('pass')
    await sendAcked(sender, 't', recordsOf('b'))
    await received(reader, ['a', 'b'])
    expect(reader.fatal).toEqual([])
  })

  it('gives the partitions of a hung handler to others, and tells it that they are lost', async () => {
    await sendAcked(stream(), 't', recordsOf('a'))
    const quick = { rebalanceMs: 2_000 }
    const hung = await consumer(stream(quick), { onBatch: () => new Promise(() => undefined) })
    await hung.received(1)
    const heir = await consumer(stream(quick), { start: 'committed' })
    await heir.received(1)
    await until(() => expect(hung.revoked).toEqual(['lost']))
    expect(heir.values()).toEqual(['a'])
  })

  it('says at each start that records are gone: its position stays as it was', async () => {
    const sender = stream()
    const reader = await consumer(sender, { start: 'committed' })
    await sendAcked(sender, 't', recordsOf('a'))
    await reader.received(1)
    reader.pause(['t/0'])
    reader.reportProgress('t/0', 1)
    await sendAcked(sender, 't', recordsOf('b', 'c'))
    await deleteBelow(broker, `${space}.t`, 0, 2)
    reader.resume(['t/0'])
    await until(() => expect(reader.fatal.map(({ reason }) => reason)).toEqual(['offset-gone']))
    const next = await consumer(sender, { start: 'committed' })
    await until(() => expect(next.fatal.map(({ reason }) => reason)).toEqual(['offset-gone']))
    expect([...reader.values(), ...next.values()]).toEqual(['a'])
  })

  it('goes on after its event loop was blocked past its session timeout', async () => {
    const sender = stream()
    const reader = await consumer(stream(), { start: 'committed' })
    await sendAcked(sender, 't', recordsOf('a'))
    await reader.received(1)
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2_500)
    await sendAcked(sender, 't', recordsOf('b'))
    await received(reader, ['a', 'b'])
    expect(reader.fatal).toEqual([])
  })

  function outage(mode: 'refuse' | 'black-hole', ms: number): Promise<void> {
    broker.proxy.mode(mode)
    if (mode === 'refuse') broker.proxy.reset()
    return new Promise((resolve) => {
      setTimeout(() => {
        broker.proxy.mode('pass')
        resolve()
      }, ms)
    })
  }

  /** Acked records that are not where they should be. */
  async function misplaced(from: StreamPort, sent: ReadonlyMap<string, string>) {
    const reader = await consumer(from, { topics: ['t', 't3'], group: `check-${randomUUID()}` })
    const marks = [...(await from.watermarks('t')), ...(await from.watermarks('t3'))]
    await reader.received(marks.reduce((sum, { low, high }) => sum + high - low, 0))
    const found = new Map(
      reader.batches.flatMap(({ partition, records }) =>
        records.map((one) => [`${partition}@${one.offset}`, Buffer.from(one.value).toString()]),
      ),
    )
    return [...sent].filter(([at, value]) => found.get(at) !== value)
  }
})

/** Codes of brokers, and where answers have them: behind length, correlation id and throttle time. */
const [notLeader, loadInProgress] = [6, 14]
const afterThrottle = 12
/** Behind error, session, number of topics, name, number of partitions and that of the first. */
const ofFirstPartition = (answer: Buffer) => 22 + 2 + answer.readInt16BE(22) + 8

/** Waits until all these values have come, in whatever number. */
async function received(reader: Consumer, values: readonly string[]): Promise<void> {
  await until(() => {
    const seen = new Set(reader.values())
    const missing = values.filter((value) => !seen.has(value))
    if (missing.length > 0) throw new Error(`missing ${missing.length}: ${missing.slice(0, 5)}`)
  })
}
