import manifest from 'kafkajs/package.json' with { type: 'json' }
import OffsetManager from 'kafkajs/src/consumer/offsetManager/index.js'
import RequestQueue from 'kafkajs/src/network/requestQueue/index.js'
import { StreamError } from '../errors.ts'
import { finalError } from './kafka-errors.ts'

/** The release whose faults we know; it has been the last one since 2023. */
const knownVersion = '2.2.4'

let isFixed = false

/**
 * Repairs two faults of kafkajs 2.2.4 in this process, once:
 *
 * - A connection without pending requests keeps a timer of one millisecond for ever.
 * - A position outside of a partition is replaced by its beginning or end, and the literal −2 or −1
 *   is committed for the group. Here it ends the consumer with the reason `out-of-range`.
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
  isFixed = true
}
