import { setImmediate as nextTurn } from 'node:timers/promises'
import type { StartAt, StreamPort } from '../../lib/stream/types.ts'
import { obey, say } from '../store/child.ts'

/** What a test may tell another process that has the same stream open. */
export type Order =
  | { readonly is: 'send'; readonly topic: string; readonly values: readonly string[] }
  | { readonly is: 'flood'; readonly topic: string; readonly name: string }
  | {
      readonly is: 'consume'
      readonly topic: string
      readonly group: string
      readonly start: StartAt
    }
  | { readonly is: 'report'; readonly next: number }

/** What that process says. */
export type News =
  | { readonly is: 'open' }
  | {
      readonly is: 'acked'
      readonly value: string
      readonly partition: string
      readonly offset: number
    }
  | { readonly is: 'sent' }
  | { readonly is: 'assigned' }
  | { readonly is: 'batch'; readonly offsets: readonly number[] }
  | { readonly is: 'revoked'; readonly why: string }
  | { readonly is: 'fatal'; readonly reason: string }

/** Runs a stream as the tests of another process say. */
export function servePeer(stream: StreamPort): void {
  let report: (next: number) => void = () => undefined

  async function send(topic: string, values: readonly string[]): Promise<void> {
    const records = values.map((value) => ({ value: Buffer.from(value) }))
    const results = await stream.send(topic, records, { deadlineMs: 10_000 })
    for (const [i, result] of results.entries()) {
      if (result.outcome === 'acked') say({ is: 'acked', ...result, value: values[i] })
    }
  }

  async function consume(topic: string, group: string, start: StartAt): Promise<void> {
    const consumption = await stream.subscribe({
      topics: [topic],
      group,
      maxBatchBytes: 1_000_000,
      onAssign: async (partitions) => {
        say({ is: 'assigned' })
        report = (next) => {
          for (const one of partitions) consumption.reportProgress(one, next)
        }
        return new Map(partitions.map((one) => [one, start]))
      },
      onRevoke: async (_, why) => say({ is: 'revoked', why }),
      onBatch: async ({ records }) => say({ is: 'batch', offsets: records.map((r) => r.offset) }),
      onFatal: (error) => say({ is: 'fatal', reason: error.reason ?? '' }),
    })
  }

  obey<Order>(async (order) => {
    switch (order.is) {
      case 'send':
        await send(order.topic, order.values)
        return say({ is: 'sent' })
      case 'flood':
        for (let i = 0; ; i += 3) {
          await nextTurn() // a refusal comes without I/O: the end of the test must be heard
          await send(
            order.topic,
            [i, i + 1, i + 2].map((n) => `${order.name}-${n}`),
          )
        }
      case 'consume':
        return consume(order.topic, order.group, order.start)
      case 'report':
        return report(order.next)
    }
  })
  say({ is: 'open' })
}
