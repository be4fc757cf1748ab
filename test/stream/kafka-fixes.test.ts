import RequestQueue from 'kafkajs/src/network/requestQueue/index.js'
import { beforeAll, describe, expect, it } from 'vitest'
import { fixKafkajs } from '../../lib/stream/kafka-fixes.ts'

/** Timers that one look at the queue starts. */
function timersOf(queue: { pending?: readonly unknown[]; throttledUntil?: number }): number {
  const timers = () => process.getActiveResourcesInfo().filter((one) => one === 'Timeout').length
  const before = timers()
  const self = {
    pending: [],
    throttledUntil: -1,
    throttleCheckTimeoutId: undefined as NodeJS.Timeout | undefined,
    checkPendingRequests: () => undefined,
    ...queue,
  }
  RequestQueue.prototype.scheduleCheckPendingRequests.call(self as never)
  const started = timers() - before
  clearTimeout(self.throttleCheckTimeoutId)
  return started
}

describe('fixKafkajs', () => {
  beforeAll(fixKafkajs)

  it('leaves a connection with nothing to send without a timer', () => {
    expect(timersOf({})).toBe(0)
  })

  it('looks again where requests wait, and where the broker asks for patience', () => {
    expect(timersOf({ pending: ['request'] })).toBe(1)
    expect(timersOf({ throttledUntil: Date.now() + 1_000 })).toBe(1)
  })
})
