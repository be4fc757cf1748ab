import fc from 'fast-check'
import { expect, it } from 'vitest'
import { admission, type Ticket } from '../../../lib/service/http/admission.ts'

const limits = { requests: 10, bytes: 100 }
const refusal = (work: () => unknown): { reason?: string; got?: number } => {
  try {
    work()
    return {}
  } catch (error) {
    return error as { reason: string }
  }
}

it('lets so many requests in, and the next when one has left', () => {
  const door = admission(limits)
  const tickets = Array.from({ length: 10 }, () => door.enter())
  const full = { reason: 'requests', limit: 10, got: 11 }
  expect(refusal(() => door.enter())).toMatchObject(full)
  tickets[0]?.leave()
  tickets[0]?.leave()
  expect(refusal(() => door.enter())).toEqual({})
  expect(refusal(() => door.enter())).toMatchObject(full)
})

it('refuses new bodies from the high mark on until the low one, and lets begun ones end', () => {
  const door = admission(limits)
  const first = door.enter()
  const second = door.enter()
  first.take(41)
  second.take(40)
  expect(refusal(() => door.enter().take(1))).toMatchObject({ reason: 'queue', retryable: true })
  expect(refusal(() => second.take(19))).toEqual({})
  expect(refusal(() => second.take(1))).toMatchObject({ reason: 'queue', limit: 100, got: 101 })
  first.leave()
  expect(door.bytes).toBe(59)
  expect(refusal(() => door.enter().take(1))).toMatchObject({ reason: 'queue' })
  second.leave()
  expect(refusal(() => door.enter().take(50))).toEqual({})
})

it('never holds more than its limits, and nothing in the end', () => {
  const step = fc.record({ bytes: fc.nat(60), leaves: fc.boolean() })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const door = admission(limits)
      const tickets: Ticket[] = []
      for (const { bytes, leaves } of steps) {
        refusal(() => tickets.push(door.enter()))
        refusal(() => tickets.at(-1)?.take(bytes))
        if (leaves) tickets.shift()?.leave()
        expect(door.bytes).toBeLessThanOrEqual(100)
        expect(tickets.length).toBeLessThanOrEqual(10)
      }
      for (const ticket of tickets) ticket.leave()
      expect(door.bytes).toBe(0)
    }),
  )
})
