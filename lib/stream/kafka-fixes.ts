import manifest from 'kafkajs/package.json' with { type: 'json' }
import ConsumerGroup from 'kafkajs/src/consumer/consumerGroup.js'
import OffsetManager from 'kafkajs/src/consumer/offsetManager/index.js'
import RequestQueue from 'kafkajs/src/network/requestQueue/index.js'
import { StreamError } from '../errors.ts'
import { finalError } from './kafka-errors.ts'

/** The release whose faults we know; it has been the last one since 2023. */
const knownVersion = '2.2.4'

let isFixed = false

type GroupPrototype = typeof ConsumerGroup.prototype

/**
 * Repairs four faults of kafkajs 2.2.4 in this process, once:
 *
 * - A connection without pending requests keeps a timer of one millisecond for ever.
 * - A position outside of a partition is replaced by its beginning or end, and the literal −2 or −1
 *   is committed for the group. Here it ends the consumer with the reason `out-of-range`.
 * - A member whose join failed goes on as before it: alive for the group, and without partitions for
 *   us, who gave them up to join. Here it joins again, and two reasons to join are one join.
 * - A consumer that starts again, after an outage say, forgets which member it was: its group waits
 *   until the session of that member ends. Here it comes back as the same one.
 *
 * @throws {@link StreamError} if kafkajs is another release: it may have faults of its own.
 */
export function fixKafkajs(): void {
  if (isFixed) return
  if (manifest.version !== knownVersion) {
    const message = `kafka: expected kafkajs ${knownVersion}, got ${manifest.version}`
    throw new StreamError(message, { reason: 'client-version' })
  }
  const queue = RequestQueue.prototype
  const schedule = queue.scheduleCheckPendingRequests
  queue.scheduleCheckPendingRequests = function () {
    if (this.pending.length > 0 || this.throttledUntil > Date.now()) schedule.call(this)
  }
  OffsetManager.prototype.setDefaultOffset = async ({ topic, partition }) => {
    const where = `${topic}/${partition}`
    throw finalError(
      `${where}: expected a position between the low and the high mark, got one outside`,
      'out-of-range',
    )
  }
  staySameMember(ConsumerGroup.prototype)
  joinBeforeFetch(ConsumerGroup.prototype)
  isFixed = true
}

/** Gives each start of a consumer the member id of the one before, unless that one has left. */
function staySameMember(group: GroupPrototype): void {
  const { connect, joinAndSync, leave } = group
  const members = new WeakMap<object, string>()
  group.connect = async function () {
    await connect.call(this)
    // An id that the brokers have forgotten meanwhile: kafkajs then asks for another one.
    this.memberId ??= members.get(this.cluster) ?? null
  }
  group.joinAndSync = async function () {
    await joinAndSync.call(this)
    if (this.memberId !== null) members.set(this.cluster, this.memberId)
  }
  group.leave = async function () {
    await leave.call(this)
    members.delete(this.cluster)
  }
}

/** Lets a member fetch only when its last join succeeded. */
function joinBeforeFetch(group: GroupPrototype): void {
  const { joinAndSync, fetch } = group
  const joining = new WeakMap<object, Promise<void>>()
  const last = new WeakMap<object, Promise<void>>()
  group.joinAndSync = function () {
    const underWay = joining.get(this)
    if (underWay !== undefined) return underWay
    const join = joinAndSync.call(this).finally(() => joining.delete(this))
    joining.set(this, join)
    last.set(this, join)
    return join
  }
  group.fetch = async function (nodeId) {
    await last.get(this)?.catch((cause) => {
      const message = 'kafka: expected the last join of the group to succeed, it failed'
      // The word that makes kafkajs join again.
      throw Object.assign(new StreamError(message, { retryable: true, cause }), {
        type: 'REBALANCE_IN_PROGRESS',
      })
    })
    return fetch.call(this, nodeId)
  }
}
