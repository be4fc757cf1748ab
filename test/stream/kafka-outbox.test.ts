import { describe, expect, it } from 'vitest'
import { outbox, type Waiting } from '../../lib/stream/kafka-outbox.ts'
import type { Produced } from '../../lib/stream/kafka-produce.ts'
import type { SendResult } from '../../lib/stream/types.ts'
import { recordsOf } from './harness.ts'

/** Records that wait, and what they were told. */
function waitingFor(...values: readonly string[]) {
  const told: (SendResult | undefined)[] = []
  const waiting = recordsOf(...values).map((record, i): Waiting => {
    const one = {
      record,
      bytes: record.value.length,
      mayBeStored: false,
      isAlone: false,
      result: undefined as SendResult | undefined,
      settle: (result: SendResult) => {
        one.result = result
        told[i] = result
      },
    }
    return one
  })
  return { waiting, told }
}

/** An outbox over a partition that answers as told, and what it was sent. */
function outboxOver(answer: (values: readonly string[], attempt: number) => Produced | undefined) {
  const sent: string[][] = []
  let next = 0
  const box = outbox({
    partition: 't/0',
    maxBatchBytes: 10,
    onSuccess: () => undefined,
    onFailure: () => undefined,
    produce: async (records) => {
      const values = records.map(({ value }) => Buffer.from(value).toString())
      sent.push(values)
      const given = answer(values, sent.length)
      if (given) return given
      next += values.length
      return { outcome: 'acked', firstOffset: next - values.length }
    },
  })
  return { box, sent }
}

const failed: Produced = { outcome: 'failed', reason: 'unreachable', mayBeStored: true }
const outcomes = (told: readonly (SendResult | undefined)[]) => told.map((one) => one?.outcome)

describe('outbox', () => {
  it('sends what came meanwhile in one batch, within its bytes', async () => {
    const { box, sent } = outboxOver(() => undefined)
    const { waiting, told } = waitingFor('a', 'bbbb', 'cccc', 'dddd', 'a record of its own')
    box.push(waiting.slice(0, 1))
    box.push(waiting.slice(1))
    await box.idle()
    expect(sent).toEqual([['a'], ['bbbb', 'cccc'], ['dddd'], ['a record of its own']])
    expect(told.map((one) => one?.outcome === 'acked' && one.offset)).toEqual([0, 1, 2, 3, 4])
  })

  it('lets no record overtake one that is sent again', async () => {
    const { box, sent } = outboxOver((_, attempt) => (attempt < 3 ? failed : undefined))
    const { waiting } = waitingFor('a', 'b')
    box.push(waiting.slice(0, 1))
    box.push(waiting.slice(1))
    await box.idle()
    expect(sent).toEqual([['a'], ['a', 'b'], ['a', 'b']])
  })

  it('finds the record for which a batch is refused', async () => {
    const { box } = outboxOver((values) =>
      values.includes('bad') ? { outcome: 'refused', reason: 'bad-record' } : undefined,
    )
    const { waiting, told } = waitingFor('a', 'bad', 'c')
    box.push(waiting)
    await box.idle()
    expect(outcomes(told)).toEqual(['acked', 'refused', 'acked'])
  })

  it('refuses all at once for a reason that all share', async () => {
    const { box, sent } = outboxOver(() => ({ outcome: 'refused', reason: 'forbidden' }))
    const { waiting, told } = waitingFor('a', 'b')
    box.push(waiting)
    await box.idle()
    expect(outcomes(told)).toEqual(['refused', 'refused'])
    expect(sent).toHaveLength(1)
  })

  it('never forgets that an attempt may have stored a record', async () => {
    const answers: Produced[] = [failed, { ...failed, mayBeStored: false }]
    const { box } = outboxOver((_, attempt) => answers[attempt - 1])
    const { waiting } = waitingFor('a')
    box.push(waiting)
    await box.idle()
    expect(waiting[0]?.mayBeStored).toBe(true)
  })

  it('sends nothing that nobody waits for any more', async () => {
    const { box, sent } = outboxOver(() => failed)
    const { waiting } = waitingFor('a', 'b')
    box.push(waiting)
    for (const one of waiting) one.settle({ outcome: 'unknown', reason: 'deadline' })
    await box.idle()
    expect(sent).toHaveLength(1)
  })
})
