import { describe, expect, it } from 'vitest'
import { type DeliveryContext, delivery } from '../../lib/stream/sqlite-delivery.ts'
import type { Batch } from '../../lib/stream/types.ts'

const batchAt = (offset: number): Batch => ({
  partition: 't/0',
  high: offset + 1,
  records: [{ offset, timestamp: 0, key: undefined, value: new Uint8Array(0), headers: {} }],
})

/** A delivery of endless records, unless told otherwise. */
function context(change: Partial<DeliveryContext>): DeliveryContext {
  return {
    mayDeliver: () => true,
    isPaused: () => false,
    read: batchAt,
    onBatch: async () => undefined,
    onError: () => undefined,
    signal: new AbortController().signal,
    attempts: 3,
    backOffMs: 1,
    ...change,
  }
}

describe('delivery', () => {
  it('looks again when news comes just after it found nothing', async () => {
    const looks: number[] = []
    const controller = new AbortController()
    const seen = Promise.withResolvers<void>()
    const one = delivery(
      context({
        signal: controller.signal,
        read: (from) => {
          looks.push(from)
          if (looks.length > 1) return batchAt(from)
          queueMicrotask(() => one.wake())
          return undefined
        },
        onBatch: async () => {
          controller.abort()
          seen.resolve()
        },
      }),
      7,
    )
    one.wake()
    await seen.promise
    expect(looks).toEqual([7, 7])
  })

  it('lets timers run between batches, however fast the handler is', async () => {
    const controller = new AbortController()
    let delivered = 0
    const one = delivery(
      context({
        signal: controller.signal,
        onBatch: async () => {
          delivered += 1
          if (delivered === 10_000) controller.abort()
        },
      }),
      0,
    )
    setTimeout(() => controller.abort(), 0)
    one.wake()
    await one.idle()
    expect(delivered).toBeLessThan(10_000)
  })

  it('waits twice as long after each rejection', async () => {
    const at: number[] = []
    const failed = Promise.withResolvers<unknown>()
    const one = delivery(
      context({
        backOffMs: 20,
        attempts: 4,
        onBatch: async () => {
          at.push(performance.now())
          throw new Error('the store is away')
        },
        onError: failed.resolve,
      }),
      0,
    )
    one.wake()
    expect(await failed.promise).toMatchObject({
      message:
        't/0 at offset 0: expected onBatch to resolve, got 4 rejections, last: the store is away',
    })
    const pauses = at.slice(1).map((time, i) => time - (at[i] as number))
    // Timers never fire early by more than their resolution of a millisecond.
    for (const [i, pause] of pauses.entries()) expect(pause).toBeGreaterThan(20 * 2 ** i - 2)
  })

  it('asks no more of a handler once it is aborted', async () => {
    const controller = new AbortController()
    let calls = 0
    const one = delivery(
      context({
        signal: controller.signal,
        onBatch: async () => {
          calls += 1
          controller.abort()
          throw new Error('aborted')
        },
        onError: () => {
          calls = Number.NaN
        },
      }),
      0,
    )
    one.wake()
    await one.idle()
    one.wake()
    expect(calls).toBe(1)
  })
})
