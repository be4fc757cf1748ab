import { describe, expect, it } from 'vitest'
import { BusyError, LeaseLostError, StoreError } from '../../lib/errors.ts'
import { holdLease } from '../../lib/registry/lease.ts'
import type { Lease, LeaseOptions } from '../../lib/registry/lease-document.ts'
import type { DocumentStore, Found } from '../../lib/store/types.ts'
import { type HandClock, handClock } from '../support/hand-clock.ts'
import { failEveryCall, temporaryStores } from '../support/stores.ts'

const ttlMs = 10_000

function options(owner: string, clock: HandClock, more: Partial<LeaseOptions> = {}): LeaseOptions {
  return { owner, ttlMs, clock, onLost: () => undefined, ...more }
}

const stored = async (documents: DocumentStore): Promise<Found['value'] | undefined> =>
  ((await documents.read('lease/learn')) as Found | undefined)?.value

/** Starts to wait; `lease` is set once it is taken. */
function waiting(documents: DocumentStore, settings: LeaseOptions): { lease?: Lease } {
  const result: { lease?: Lease } = {}
  void holdLease(documents, 'learn', settings).then((lease) => {
    result.lease = lease
  })
  return result
}

describe('holdLease', () => {
  it('takes a lease that nobody has', async () => {
    const { documents } = temporaryStores()
    const lease = await holdLease(documents, 'learn', options('a', handClock()))
    expect(lease.fence).toBe(1)
    expect(lease.isHeld()).toBe(true)
    expect(await stored(documents)).toEqual({ format: 1, owner: 'a', fence: 1, beat: 0, ttlMs })
  })

  it('lets the next one have it at once when it is released, with a larger fence', async () => {
    const { documents } = temporaryStores()
    const first = await holdLease(documents, 'learn', options('a', handClock()))
    await first.release()
    expect(first.isHeld()).toBe(false)
    const second = await holdLease(documents, 'learn', options('b', handClock()))
    expect(second.fence).toBe(2)
  })

  it('raises the beat every third of the time to live', async () => {
    const { documents } = temporaryStores()
    const clock = handClock()
    await holdLease(documents, 'learn', options('a', clock))
    await clock.advance(ttlMs * 2)
    expect((await stored(documents))?.['beat']).toBe(6)
  })

  it('keeps others waiting for as long as it is renewed', async () => {
    const { documents, again } = temporaryStores()
    const clock = handClock()
    await holdLease(documents, 'learn', options('a', clock))
    const other = waiting(again().documents, options('b', clock))
    await clock.advance(ttlMs * 10)
    expect(other.lease).toBeUndefined()
  })

  it('is taken once the beat stood still for its whole time to live on the watcher’s clock', async () => {
    const { documents, again } = temporaryStores()
    await holdLease(documents, 'learn', options('a', handClock())) // a clock that never moves
    const clock = handClock()
    const other = waiting(again().documents, options('b', clock))
    await clock.advance(ttlMs - 1)
    expect(other.lease).toBeUndefined()
    await clock.advance(ttlMs / 6)
    expect(other.lease?.fence).toBe(2)
  })

  it('is not taken by a watcher that overslept while it was renewed', async () => {
    const { documents } = temporaryStores()
    const holder = handClock()
    await holdLease(documents, 'learn', options('a', holder))
    const clock = handClock()
    const other = waiting(documents, options('b', clock))
    await clock.advance(0)
    await holder.advance(ttlMs)
    clock.oversleep(ttlMs * 3)
    await clock.advance(0)
    expect(other.lease).toBeUndefined()
  })

  it('watches for the time to live of the holder, not its own', async () => {
    const { documents } = temporaryStores()
    await holdLease(documents, 'learn', options('a', handClock()))
    const clock = handClock()
    const other = waiting(documents, options('b', clock, { ttlMs: 10 }))
    await clock.advance(ttlMs / 2)
    expect(other.lease).toBeUndefined()
  })

  it('replaces a dead owner at once', async () => {
    const { documents } = temporaryStores()
    await holdLease(documents, 'learn', options('a', handClock()))
    const isOwnerDead = (owner: string): boolean => owner === 'a'
    const lease = await holdLease(documents, 'learn', options('b', handClock(), { isOwnerDead }))
    expect(lease.fence).toBe(2)
  })

  it('gives the lease to exactly one of two who race for it', async () => {
    const stores = temporaryStores()
    const clock = handClock()
    const stand = await holdLease(stores.documents, 'learn', options('first', handClock()))
    const racers = ['a', 'b'].map((owner) =>
      waiting(stores.again().documents, options(owner, clock)),
    )
    await stand.release()
    await clock.advance(ttlMs * 3)
    expect(racers.map(({ lease }) => lease?.fence).sort()).toEqual([2, undefined])
  })

  it('refuses, when asked to, as soon as the holder shows life', async () => {
    const { documents } = temporaryStores()
    const clock = handClock()
    await holdLease(documents, 'run', options('a', clock))
    const refused = expect(
      holdLease(documents, 'run', options('b', clock, { whenHeld: 'refuse' })),
    ).rejects.toThrow(new BusyError('lease/run: expected it to be free, a holds it'))
    await clock.advance(ttlMs)
    await refused
  })

  it('takes over from a silent holder even when asked to refuse', async () => {
    const { documents } = temporaryStores()
    await holdLease(documents, 'learn', options('a', handClock()))
    const clock = handClock()
    const other = waiting(documents, options('b', clock, { whenHeld: 'refuse' }))
    await clock.advance(ttlMs * 1.5)
    expect(other.lease?.fence).toBe(2)
  })

  it('stops waiting when its signal aborts', async () => {
    const { documents } = temporaryStores()
    const clock = handClock()
    await holdLease(documents, 'learn', options('a', clock))
    const stop = new AbortController()
    const waits = holdLease(documents, 'learn', options('b', clock, { signal: stop.signal }))
    await clock.advance(ttlMs)
    stop.abort(new Error('enough'))
    await expect(waits).rejects.toThrow('enough')
  })

  it('refuses a lease document of a newer format', async () => {
    const { documents } = temporaryStores()
    await documents.create('lease/learn', { format: 2 })
    const taking = holdLease(documents, 'learn', options('a', handClock()))
    await expect(taking).rejects.toThrow('lease/learn: expected format 1 or older, got 2')
  })
})

describe('a lease', () => {
  it('is not held from two thirds of its time to live on without a renewal', async () => {
    const clock = handClock()
    const lease = await holdLease(temporaryStores().documents, 'learn', options('a', clock))
    clock.oversleep((ttlMs * 2) / 3 - 1)
    expect(lease.isHeld()).toBe(true)
    clock.oversleep(1)
    expect(lease.isHeld()).toBe(false)
    expect(() => lease.assertHeld()).toThrow(LeaseLostError)
  })

  it('is silent before anyone else can have it', async () => {
    const { documents, again } = temporaryStores()
    const clock = handClock()
    const broken: DocumentStore = {
      ...documents,
      swap: () => Promise.reject(new StoreError('away', { retryable: true })),
    }
    const lease = await holdLease(broken, 'learn', options('a', clock))
    const other = waiting(again().documents, options('b', clock))
    for (let at = 0; at < ttlMs * 2; at += 100) {
      await clock.advance(100)
      expect(lease.isHeld() && other.lease !== undefined).toBe(false)
    }
    expect(other.lease?.isHeld()).toBe(true)
  })

  it('is held again after a sleep in which nobody took it', async () => {
    const clock = handClock()
    const lost: unknown[] = []
    const onLost = (error: unknown): void => void lost.push(error)
    const { documents } = temporaryStores()
    const lease = await holdLease(documents, 'learn', options('a', clock, { onLost }))
    clock.oversleep(ttlMs * 5)
    expect(lease.isHeld()).toBe(false)
    await clock.advance(0)
    expect(lease.isHeld()).toBe(true)
    expect(lost).toEqual([])
  })

  it('is lost for good, and says so once, when another took it during a sleep', async () => {
    const { documents, again } = temporaryStores()
    const clock = handClock()
    const lost: LeaseLostError[] = []
    const onLost = (error: LeaseLostError): void => void lost.push(error)
    const lease = await holdLease(documents, 'learn', options('a', clock, { onLost }))
    const wakeful = handClock()
    const other = waiting(again().documents, options('b', wakeful))
    await wakeful.advance(ttlMs * 1.5)
    expect(other.lease?.fence).toBe(2)
    await clock.advance(ttlMs)
    expect(lost).toHaveLength(1)
    expect(lost[0]?.message).toContain('fence 2 of b is there')
    expect(() => lease.assertHeld()).toThrow(lost[0])
  })

  it('outlives a store that fails for a while', async () => {
    const { documents } = temporaryStores()
    const clock = handClock()
    let failures = 2
    const shaky: DocumentStore = {
      ...documents,
      swap: (...args) => {
        failures -= 1
        return failures >= 0
          ? Promise.reject(new StoreError('away', { retryable: true }))
          : documents.swap(...args)
      },
    }
    const lease = await holdLease(shaky, 'learn', options('a', clock))
    for (let at = 0; at < ttlMs * 2; at += 500) {
      await clock.advance(500)
      expect(lease.isHeld()).toBe(true)
    }
  })

  it('is lost when its store fails for good', async () => {
    const { documents } = temporaryStores()
    const clock = handClock()
    const lost: LeaseLostError[] = []
    const broken: DocumentStore = {
      ...documents,
      swap: () => Promise.reject(new StoreError('read-only')),
    }
    const onLost = (error: LeaseLostError): void => void lost.push(error)
    await holdLease(broken, 'learn', options('a', clock, { onLost }))
    await clock.advance(ttlMs / 3)
    expect(lost.map(({ cause }) => cause)).toEqual([new StoreError('read-only')])
  })

  it('knows its own renewal whose answer was lost', async () => {
    const { documents } = temporaryStores()
    const clock = handClock()
    let isFirst = true
    const forgetful: DocumentStore = {
      ...documents,
      async swap(...args) {
        const write = await documents.swap(...args)
        if (!isFirst) return write
        isFirst = false
        throw new StoreError('answer lost', { reason: 'unknown', retryable: true })
      },
    }
    const lease = await holdLease(forgetful, 'learn', options('a', clock))
    await clock.advance(ttlMs * 4)
    expect(lease.isHeld()).toBe(true)
    expect((await stored(documents))?.['beat']).toBeGreaterThan(8)
  })

  it('does not call back after its release', async () => {
    const { documents } = temporaryStores()
    const clock = handClock()
    const lost: unknown[] = []
    const onLost = (error: unknown): void => void lost.push(error)
    const lease = await holdLease(documents, 'learn', options('a', clock, { onLost }))
    await lease.release()
    await clock.advance(ttlMs * 3)
    expect(lost).toEqual([])
  })

  it('does not call back when it is released while its last renewal loses', async () => {
    const { documents, again } = temporaryStores()
    const clock = handClock()
    const lost: unknown[] = []
    const onLost = (error: unknown): void => void lost.push(error)
    let goOn = (): void => undefined
    const gate = new Promise<void>((resolve) => {
      goOn = resolve
    })
    const slow: DocumentStore = {
      ...documents,
      swap: async (...args) => {
        await gate
        return documents.swap(...args)
      },
    }
    const lease = await holdLease(slow, 'learn', options('a', clock, { onLost }))
    await clock.advance(ttlMs / 3) // the renewal is on its way
    const isOwnerDead = (owner: string): boolean => owner === 'a'
    await holdLease(again().documents, 'learn', options('b', handClock(), { isOwnerDead }))
    const released = lease.release()
    goOn()
    await released
    expect(lost).toEqual([])
    expect((await stored(documents))?.['owner']).toBe('b')
  })

  it('can be taken by a next owner wherever a process died', async () => {
    const calls = await failEveryCall(
      ['dies-before', 'dies-after', 'answer-lost'],
      async () => temporaryStores(),
      async ({ documents }) => {
        const lease = await holdLease(documents, 'learn', options('a', handClock()))
        await lease.release()
      },
      async ({ documents }) => {
        const before = Number((await stored(documents))?.['fence'] ?? 0)
        const isOwnerDead = (owner: string): boolean => owner === 'a'
        const next = await holdLease(documents, 'learn', options('b', handClock(), { isOwnerDead }))
        expect(next.fence).toBe(before + 1)
      },
    )
    expect(calls).toBe(3)
  })
})
