import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises'
import type { Admin, EachBatchPayload, Kafka, Batch as KafkaBatch } from 'kafkajs'
import { StreamError } from '../errors.ts'
import { roundRobinAfter } from './kafka-barrier.ts'
import { safeOffset, toBatches } from './kafka-batch.ts'
import { finalError, streamError } from './kafka-errors.ts'
import type { Lane } from './kafka-lane.ts'
import { type Names, partitionName, partitionParts } from './kafka-names.ts'
import type { KafkaStreamOptions } from './kafka-options.ts'
import { type Ownership, ownership } from './kafka-ownership.ts'
import { kafkaProgress } from './kafka-progress.ts'
import { restartRule } from './kafka-restarts.ts'
import { checkedOffset, startOffset, within } from './kafka-start.ts'
import type { Topics } from './kafka-topics.ts'
import type { Consumption, Partition, StartAt, Subscription } from './types.ts'

/** What a subscription needs of its surroundings. */
export interface ConsumeContext {
  readonly kafka: Kafka
  /** Connects if it is not, and resolves to the client. */
  readonly admin: () => Promise<Admin>
  readonly topics: Topics
  readonly names: Names
  readonly options: Required<KafkaStreamOptions>
  /** Hears of each error that does not end the consumer. */
  readonly onTrouble: (error: StreamError) => void
  /** Hears that the group has been joined. */
  readonly onHealthy: () => void
}

/** A consumption that its stream can leave behind. */
export interface Consuming extends Consumption {
  /** Leaves the group without waiting for a handler. */
  abandon(): void
}

/** What kafkajs does not tell of its batches. */
type FetchedBatch = KafkaBatch & { readonly fetchedOffset: string }

/** Signs of life while handlers come to their end, in ms. */
const aliveMs = 500

/**
 * Runs a subscription: joins the group, asks where to start, delivers, lets go before it joins again.
 *
 * A handler that takes longer than a fetch does not hold up the other partitions, nor the signs of
 * life: its partition is paused until it is done.
 *
 * @throws {@link StreamError} if the topics do not exist or the brokers do not answer.
 */
export async function consume(
  context: ConsumeContext,
  subscription: Subscription,
): Promise<Consuming> {
  const { names, options, topics, admin } = context
  const { group } = subscription
  const mayRestart = restartRule(() => performance.now())
  let current: Ownership | undefined
  let isStopping = false
  let hasFailed = false
  let isRebalancing = false
  let heartbeat: () => Promise<void> = async () => undefined
  let stopped: Promise<void> | undefined

  const consumer = context.kafka.consumer({
    groupId: group,
    sessionTimeout: options.sessionMs,
    heartbeatInterval: options.heartbeatMs,
    rebalanceTimeout: options.rebalanceMs,
    maxWaitTimeInMs: options.maxWaitMs,
    maxBytesPerPartition: subscription.maxBatchBytes,
    maxBytes: subscription.maxBatchBytes,
    allowAutoTopicCreation: false,
    partitionAssigners: [roundRobinAfter(letGo)],
    retry: { restartOnFailure: async (error) => !isStopping && !hasFailed && mayRestart(error) },
  })
  const progress = kafkaProgress(
    (positions) =>
      consumer.commitOffsets(
        [...positions].map(([partition, offset]) => {
          const { topic, number } = partitionParts(partition)
          return { topic: names.toKafka(topic), partition: number, offset: `${offset}` }
        }),
      ),
    (cause) => context.onTrouble(streamError(`progress of ${group}`, cause)),
  )

  /** Before each join: what we held so far is given up first, whatever that takes. */
  async function letGo(): Promise<void> {
    if (isStopping || hasFailed) throw finalError('the subscription has ended', 'closed')
    const why = isRebalancing ? 'revoked' : 'lost'
    isRebalancing = false
    if (current) await end(current, why)
  }

  /** The group has given us these partitions. Up to the first `await` nothing can be fetched. */
  function begin(assignment: Readonly<Record<string, readonly number[]>>): void {
    const partitions = Object.entries(assignment).flatMap(([topic, numbers]) =>
      numbers.map((number) => partitionName(names.fromKafka(topic), number)),
    )
    const mine = ownership(partitions, { ...options, onBatch: subscription.onBatch })
    current = mine
    settle(mine)
    context.onHealthy()
    if (isStopping || hasFailed || partitions.length === 0) return
    start(mine).catch(fail)
  }

  async function start(mine: Ownership): Promise<void> {
    const answers = await answered('onAssign', () => subscription.onAssign(mine.partitions))
    const starts = await untilAborted(mine.signal, () => startsOf(mine, answers))
    if (mine.signal.aborted) return
    for (const [partition, offset] of starts ?? []) {
      const lane = mine.lane(partition) as Lane
      lane.next = offset
      seek(partition, offset)
    }
    settle(mine)
  }

  /** Where each partition starts; a group without a position gets one: lag counts from there. */
  async function startsOf(
    mine: Ownership,
    answers: ReadonlyMap<Partition, StartAt>,
  ): Promise<ReadonlyMap<Partition, number>> {
    const marks = await marksOf(mine)
    const committed = await committedOf(mine)
    const starts = new Map<Partition, number>()
    for (const mark of marks) {
      const { partition } = mark
      const position = committed.get(partition)
      starts.set(partition, startOffset(mark, answers.get(partition), position))
    }
    for (const [partition, offset] of starts) {
      if (!committed.has(partition) && !mine.signal.aborted) progress.report(partition, offset)
    }
    return starts
  }

  async function marksOf(mine: Ownership) {
    const marks = await Promise.all(topicsOf(mine).map((topic) => topics.watermarks(topic)))
    return marks.flat().filter(({ partition }) => mine.lane(partition))
  }

  async function committedOf(mine: Ownership): Promise<ReadonlyMap<Partition, number>> {
    const found = await (await admin()).fetchOffsets({
      groupId: group,
      topics: topicsOf(mine).map(names.toKafka),
    })
    const committed = new Map<Partition, number>()
    for (const { topic, partitions } of found) {
      for (const { partition: number, offset } of partitions) {
        const partition = partitionName(names.fromKafka(topic), number)
        // Below zero are no offsets: nothing was committed.
        if (Number(offset) >= 0) committed.set(partition, safeOffset(partition, offset))
      }
    }
    return committed
  }

  /** Tries again while the brokers are away; what they answer for good is thrown. */
  async function untilAborted<T>(signal: AbortSignal, work: () => Promise<T>) {
    while (!signal.aborted) {
      try {
        return await work()
      } catch (cause) {
        const error = streamError(`group ${group}`, cause)
        if (!error.retryable) throw error
        context.onTrouble(error)
        await delay(aliveMs)
      }
    }
    return undefined
  }

  async function take({ batch, resolveOffset, heartbeat: beat }: EachBatchPayload): Promise<void> {
    heartbeat = beat
    const partition = partitionName(names.fromKafka(batch.topic), batch.partition)
    const mine = current
    const lane = mine?.lane(partition)
    if (!mine || mine.signal.aborted || lane?.next === undefined || lane.isBusy()) return
    if (Number((batch as FetchedBatch).fetchedOffset) !== lane.next) {
      return seek(partition, lane.next) // fetched before the start was known
    }
    // May be a marker that no record shows. What is taken but not done is in the lane's hands.
    resolveOffset(batch.lastOffset())
    lane.next = safeOffset(partition, batch.lastOffset()) + 1
    const delivery = lane.deliver(toBatches(partition, batch, subscription.maxBatchBytes))
    const settled = delivery.catch(fail)
    await Promise.race([settled, delay(options.maxWaitMs)])
    if (!lane.isBusy()) return
    settle(mine)
    void settled.then(() => settle(mine))
  }

  /** Lets kafkajs fetch what may be delivered, and nothing else. */
  function settle(mine: Ownership): void {
    if (mine !== current) return
    for (const partition of mine.partitions) {
      const lane = mine.lane(partition) as Lane
      const isOpen = lane.next !== undefined && !lane.isBusy() && !lane.isPaused()
      const { topic, number } = partitionParts(partition)
      const chosen = [{ topic: names.toKafka(topic), partitions: [number] }]
      try {
        if (isOpen && !mine.signal.aborted) consumer.resume(chosen)
        else consumer.pause(chosen)
      } catch {
        // Between a crash and the next join kafkajs has no group: nothing is fetched.
      }
    }
  }

  function seek(partition: Partition, offset: number): void {
    const { topic, number } = partitionParts(partition)
    consumer.seek({ topic: names.toKafka(topic), partition: number, offset: `${offset}` })
  }

  /** The end of an ownership. What is handed back is so only when no handler runs. */
  function end(mine: Ownership, why: 'revoked' | 'lost'): Promise<void> {
    mine.ending ??= (async () => {
      mine.abort()
      settle(mine)
      const alive = setInterval(() => void heartbeat().catch(() => undefined), aliveMs)
      try {
        if (why === 'revoked') await mine.idle()
        await answered('onRevoke', () => subscription.onRevoke(mine.partitions, why))
        await mine.idle()
        await progress.idle()
      } catch (error) {
        fail(error)
      } finally {
        clearInterval(alive)
        if (current === mine) current = undefined
      }
    })()
    return mine.ending
  }

  /** kafkajs has given up, for a moment or for good. */
  function onCrash(error: Error, restart: boolean): void {
    if (isStopping || hasFailed) return
    const mine = current
    if (restart) {
      context.onTrouble(streamError(`group ${group}`, error))
      if (mine) void end(mine, 'lost')
      return
    }
    const isOutside = streamError(`group ${group}`, error).reason === 'out-of-range'
    if (isOutside && mine) findOutside(mine).catch(fail)
    else fail(error)
  }

  /** Throws what is wrong with our position: `offset-gone` or `offset-ahead`. */
  async function findOutside(mine: Ownership): Promise<void> {
    mine.abort()
    const marks = await untilAborted(new AbortController().signal, () => marksOf(mine))
    for (const mark of marks ?? []) within(mark, mine.lane(mark.partition)?.next ?? mark.low)
    throw new StreamError(`group ${group}: expected positions within the marks, got one outside`, {
      reason: 'offset-gone',
    })
  }

  function fail(cause: unknown): void {
    if (hasFailed || isStopping) return
    hasFailed = true
    current?.abort()
    void consumer.disconnect().catch(() => undefined)
    subscription.onFatal(streamError(`group ${group}`, cause))
  }

  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => begin(payload.memberAssignment))
  consumer.on(consumer.events.CRASH, ({ payload }) => onCrash(payload.error, payload.restart))
  consumer.on(consumer.events.REBALANCING, () => {
    isRebalancing = true
    current?.abort()
  })
  try {
    for (const topic of subscription.topics) await topics.get(topic)
    await consumer.connect()
    await consumer.subscribe({
      topics: subscription.topics.map(names.toKafka),
      fromBeginning: true,
    })
  } catch (cause) {
    void consumer.disconnect().catch(() => undefined)
    throw streamError(`subscribe ${group}`, cause)
  }
  // In a later turn: the caller has its consumption before it is asked for a start.
  void nextTurn()
    .then(() => consumer.run({ autoCommit: false, eachBatchAutoResolve: false, eachBatch: take }))
    .catch(fail)

  async function stop(): Promise<void> {
    isStopping = true
    if (current && !hasFailed) await end(current, 'revoked')
    await consumer.disconnect()
  }

  return {
    pause: (chosen) => {
      for (const partition of chosen) current?.lane(partition)?.pause()
      if (current) settle(current)
    },
    resume: (chosen) => {
      for (const partition of chosen) current?.lane(partition)?.resume()
      if (current) settle(current)
    },
    reportProgress: (partition, nextOffset) => {
      checkedOffset(partition, nextOffset)
      if (current?.lane(partition)) progress.report(partition, nextOffset)
    },
    stop: () => {
      stopped ??= stop()
      return stopped
    },
    abandon: () => {
      isStopping = true
      current?.abort()
      void consumer.disconnect().catch(() => undefined)
    },
  }

  function topicsOf({ partitions }: Ownership): string[] {
    return [...new Set(partitions.map((partition) => partitionParts(partition).topic))]
  }
}

/** What the subscriber answers; its rejection is fatal. */
async function answered<T>(method: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message : String(cause)
    const message = `${method}: expected the subscriber to answer, got: ${detail}`
    throw new StreamError(message, { reason: 'handler', cause })
  }
}
