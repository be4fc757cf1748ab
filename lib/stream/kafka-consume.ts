import { setImmediate as nextTurn } from 'node:timers/promises'
import type { EachBatchPayload } from 'kafkajs'
import { answered } from './kafka-answered.ts'
import { roundRobinAfter } from './kafka-barrier.ts'
import type { ConsumeContext, Consuming } from './kafka-consuming.ts'
import { kafkaControls } from './kafka-controls.ts'
import { kafkaDelivery } from './kafka-delivery.ts'
import { finalError, streamError } from './kafka-errors.ts'
import { handBack } from './kafka-hand-back.ts'
import { partitionName } from './kafka-names.ts'
import { type Ownership, ownership } from './kafka-ownership.ts'
import { patiently } from './kafka-patience.ts'
import { kafkaPositions } from './kafka-positions.ts'
import { kafkaProgress } from './kafka-progress.ts'
import { restartRule } from './kafka-restarts.ts'
import { checkedOffset, startOffset, within } from './kafka-start.ts'
import type { Partition, Subscription } from './types.ts'

/**
 * Runs a subscription: joins the group, asks where to start, delivers, lets go before it joins again.
 *
 * @throws {@link StreamError} if the topics do not exist or the brokers do not answer.
 */
export async function consume(
  context: ConsumeContext,
  subscription: Subscription,
): Promise<Consuming> {
  const { names, options, topics, onTrouble } = context
  const { group, maxBatchBytes } = subscription
  const where = `group ${group}`
  const positions = kafkaPositions(context.ask, topics, names, group)
  const mayRestart = restartRule(() => performance.now())
  let current: Ownership | undefined
  /** Whether nothing is to come any more: stopped, or failed. */
  let isOver = false
  let hasFailed = false
  let isRebalancing = false
  let heartbeat: () => Promise<void> = async () => undefined
  let stopped: Promise<void> | undefined
  const left = Promise.withResolvers<void>()

  const consumer = context.client.consumer({
    groupId: group,
    sessionTimeout: options.sessionMs,
    heartbeatInterval: options.heartbeatMs,
    rebalanceTimeout: options.rebalanceMs,
    maxWaitTimeInMs: options.maxWaitMs,
    maxBytesPerPartition: maxBatchBytes,
    maxBytes: maxBatchBytes,
    allowAutoTopicCreation: false,
    partitionAssigners: [roundRobinAfter(letGo)],
    retry: { restartOnFailure: async (error) => !isOver && mayRestart(error) },
  })
  const controls = kafkaControls(consumer, names)
  const progress = kafkaProgress(controls.commit, (cause) =>
    onTrouble(streamError(`progress of ${group}`, cause)),
  )
  const delivery = kafkaDelivery({
    names,
    controls,
    maxBatchBytes,
    maxWaitMs: options.maxWaitMs,
    current: () => current,
    onError: fail,
  })

  /** Before each join: what we held so far is given up first, whatever that takes. */
  async function letGo(): Promise<void> {
    const why = isRebalancing ? 'revoked' : 'lost'
    isRebalancing = false
    // Also when it is over: kafkajs leaves the group as soon as it cannot join.
    if (current) await Promise.race([end(current, why), left.promise])
    if (!isOver) return
    throw finalError(`${where}: expected nobody to join it, the subscription is over`, 'closed')
  }

  /** The group has given us partitions. All are paused before kafkajs can fetch. */
  function begin(assignment: Readonly<Record<string, readonly number[]>>): void {
    const partitions = Object.entries(assignment).flatMap(([topic, numbers]) =>
      numbers.map((number) => partitionName(names.fromKafka(topic), number)),
    )
    const mine = ownership(partitions, { ...options, onBatch: subscription.onBatch })
    current = mine
    delivery.settle(mine)
    context.onHealthy()
    if (isOver || partitions.length === 0) return
    start(mine).catch((error) => mine.signal.aborted || fail(error))
  }

  /** Each partition begins where the subscriber says, or not at all. */
  async function start(mine: Ownership): Promise<void> {
    const { partitions, signal } = mine
    const answers = await answered('onAssign', () => subscription.onAssign(partitions))
    const [marks, committed] = await patiently(
      where,
      () => Promise.all([positions.marks(partitions), positions.committed(partitions)]),
      { isOver: () => signal.aborted, onTrouble },
    )
    if (signal.aborted) return
    for (const mark of marks) {
      const { partition } = mark
      const position = committed.get(partition)
      const offset = startOffset(mark, answers.get(partition), position)
      // A group without a position gets one: its lag counts from there.
      if (position === undefined) progress.begin(partition, offset)
      mine.lane(partition).next = offset
      controls.seek(partition, offset)
    }
    delivery.settle(mine)
  }

  /** Ends an ownership, once. */
  function end(mine: Ownership, why: 'revoked' | 'lost'): Promise<void> {
    mine.ending ??= (async () => {
      mine.abort()
      delivery.settle(mine)
      try {
        await handBack(mine, why, {
          heartbeat: () => heartbeat(),
          onRevoke: (how) =>
            answered('onRevoke', () => subscription.onRevoke(mine.partitions, how)),
        })
        await progress.idle()
      } catch (error) {
        leave()
        tell(error)
      } finally {
        if (current === mine) current = undefined
      }
    })()
    return mine.ending
  }

  /** kafkajs has given up, for a moment or for good. */
  function onCrash(cause: Error, restart: boolean): void {
    if (isOver) return
    const error = streamError(where, cause)
    const mine = current
    if (restart) {
      onTrouble(error)
      if (mine) void end(mine, 'lost')
    } else if (mine && error.reason === 'out-of-range') {
      mine.abort()
      findOutside(mine).then(() => fail(error), fail)
    } else {
      fail(error)
    }
  }

  /** Throws what is wrong with our position: `offset-gone` or `offset-ahead`. */
  async function findOutside(mine: Ownership): Promise<void> {
    const marks = await patiently(where, () => positions.marks(mine.partitions), {
      isOver: () => isOver,
      onTrouble,
    })
    for (const mark of marks) within(mark, mine.lane(mark.partition).next ?? mark.low)
  }

  function fail(cause: unknown): void {
    if (isOver) return
    leave()
    tell(cause)
  }

  /** Tells what ends the subscription, once. */
  function tell(cause: unknown): void {
    if (hasFailed) return
    hasFailed = true
    subscription.onFatal(streamError(where, cause))
  }

  /** Leaves the group without waiting for a handler. */
  function leave(): void {
    isOver = true
    left.resolve()
    current?.abort()
    void consumer.disconnect().catch(() => undefined)
  }

  async function stop(): Promise<void> {
    const wasOver = isOver
    isOver = true
    if (current && !wasOver) await end(current, 'revoked')
    await consumer.disconnect()
  }

  const { GROUP_JOIN, CRASH, REBALANCING, START_BATCH_PROCESS } = consumer.events
  consumer.on(GROUP_JOIN, ({ payload }) => begin(payload.memberAssignment))
  consumer.on(CRASH, ({ payload }) => onCrash(payload.error, payload.restart))
  consumer.on(REBALANCING, () => {
    isRebalancing = true
    current?.abort()
  })
  consumer.on(START_BATCH_PROCESS, ({ payload }) => {
    const { topic, partition, batchSize, lastOffset } = payload
    if (batchSize === 0) delivery.passOver(topic, partition, lastOffset)
  })
  try {
    for (const topic of subscription.topics) await topics.get(topic)
    await consumer.connect()
    await consumer.subscribe({
      topics: subscription.topics.map(names.toKafka),
      fromBeginning: true, // never used: each start is sought
    })
  } catch (cause) {
    leave()
    throw streamError(`subscribe ${group}`, cause)
  }
  // In a later turn: the caller has its consumption before it is asked for a start.
  const eachBatch = (fetched: EachBatchPayload) => {
    heartbeat = fetched.heartbeat
    return delivery.take(fetched)
  }
  void nextTurn()
    .then(() => consumer.run({ autoCommit: false, eachBatchAutoResolve: false, eachBatch }))
    .catch(fail)

  const steer = (chosen: readonly Partition[], how: 'pause' | 'resume') => {
    const mine = current
    if (!mine) return
    for (const partition of chosen) if (mine.holds(partition)) mine.lane(partition)[how]()
    delivery.settle(mine)
  }
  return {
    pause: (chosen) => steer(chosen, 'pause'),
    resume: (chosen) => steer(chosen, 'resume'),
    reportProgress: (partition, nextOffset) => {
      checkedOffset(partition, nextOffset)
      if (current?.holds(partition)) progress.report(partition, nextOffset)
    },
    stop: () => {
      stopped ??= stop()
      return stopped
    },
    abandon: leave,
  }
}
