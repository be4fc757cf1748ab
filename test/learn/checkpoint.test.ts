import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { CheckpointError, LeaseLostError, StoreError } from '../../lib/errors.ts'
import { type Loaded, openCheckpoint, type Saved } from '../../lib/learn/checkpoint.ts'
import { checkpointKind } from '../../lib/registry/checkpoint-head.ts'
import { readDocument } from '../../lib/registry/document.ts'
import { versions } from '../../lib/registry/versions.ts'
import type { BlobStore, DocumentStore, Found, Space } from '../../lib/store/types.ts'
import { checkpointsOf, log, stateAfter, stateAt } from '../support/learner.ts'
import {
  failEveryCall,
  type Stores,
  type TemporaryStores,
  temporaryStores,
} from '../support/stores.ts'

/** Checkpoints that have applied 10, 20, … records; `buffer` changes each time. */
async function history(stores: Stores, length: number): Promise<Saved[]> {
  const checkpoints = checkpointsOf(stores)
  const saved = [await checkpoints.replace(undefined, stateAt(10))]
  for (let i = 2; i <= length; i += 1) {
    const last = saved.at(-1) as Saved
    saved.push(await checkpoints.replace(last, stateAfter(last, 10 * i)))
  }
  return saved
}

/** Flips a byte of a part's file. */
function damage({ folder }: TemporaryStores, { head }: Saved, part: string): void {
  const digest = head.parts[part]?.digest ?? ''
  const root = join(folder, 'blobs')
  const file = readdirSync(root, { recursive: true })
    .map(String)
    .find((f) => f.endsWith(digest))
  const path = join(root, file ?? '')
  const bytes = readFileSync(path)
  bytes[bytes.length - 1] = ~(bytes.at(-1) ?? 0)
  writeFileSync(path, bytes)
}

/** The state is whole: as many records in the part as offset and counts say. */
function expectWhole(loaded: Loaded | undefined): number {
  const applied = loaded?.saved.head.offsets['images.unlabeled/0'] ?? 0
  if (!loaded) return 0
  const ids = Int32Array.from({ length: applied }, (_, i) => i)
  expect(loaded.parts['buffer']).toEqual({ json: { applied }, arrays: { ids } })
  expect(loaded.saved.head.counts).toEqual({ 'images.unlabeled/0': { applied } })
  return applied
}

/** Counts what is stored. */
function counting(blobs: BlobStore): BlobStore & { readonly put: BlobStore['put']; puts: Space[] } {
  const puts: Space[] = []
  return {
    ...blobs,
    puts,
    put: (space, bytes) => {
      puts.push(space)
      return blobs.put(space, bytes)
    },
  }
}

describe('checkpoints', () => {
  it('load nothing from an empty lineage', async () => {
    expect(await checkpointsOf(temporaryStores()).load()).toBeUndefined()
  })

  it('give back the whole state that was written last', async () => {
    const stores = temporaryStores()
    const [, second] = await history(stores, 2)
    const loaded = await checkpointsOf(stores).load()
    expect(expectWhole(loaded)).toBe(20)
    expect(loaded?.saved).toEqual(second)
    expect(loaded?.saved.head).toMatchObject({ seq: 2, after: 1, fence: 1, lineage: 'main', log })
    expect(loaded?.fallback).toBeUndefined()
  })

  it('keep lineages apart', async () => {
    const stores = temporaryStores()
    await history(stores, 1)
    const other = openCheckpoint({ ...stores, lineage: 'other', fence: 1, log })
    expect(await other.load()).toBeUndefined()
  })

  it('write only the parts that changed', async () => {
    const stores = temporaryStores()
    const blobs = counting(stores.blobs)
    const checkpoints = checkpointsOf({ ...stores, blobs })
    const first = await checkpoints.replace(undefined, stateAt(10))
    expect(blobs.puts).toHaveLength(2)
    const second = await checkpoints.replace(first, stateAfter(first, 20))
    expect(blobs.puts).toHaveLength(3)
    await checkpoints.replace(second, { ...second.head, at: 99 }) // references only
    expect(blobs.puts).toHaveLength(3)
  })

  it('freeze the input of a round while intake goes on', async () => {
    const stores = temporaryStores()
    const checkpoints = checkpointsOf(stores)
    const first = await checkpoints.replace(undefined, {
      ...stateAt(10),
      round: { number: 1, seed: 5, plan: { steps: 60 } },
    })
    expect(first.head.round?.parts).toEqual(first.head.parts)
    await checkpoints.replace(first, stateAfter(first, 20, { round: first.head.round }))
    const loaded = await checkpoints.load()
    expect(loaded?.parts['buffer']?.json).toEqual({ applied: 20 })
    expect(loaded?.round?.['buffer']?.json).toEqual({ applied: 10 })
    expect(loaded?.round?.['student']).toBe(loaded?.parts['student'])
    expect(loaded?.saved.head.round).toMatchObject({ number: 1, seed: 5, plan: { steps: 60 } })
  })

  it('keep a numbered copy of each head', async () => {
    const stores = temporaryStores()
    const saved = await history(stores, 3)
    const keys = await stores.documents.list('checkpoint/main/0')
    const copies = await Promise.all(keys.map((key) => stores.documents.read(key)))
    const heads = copies.map((copy) => readDocument('copy', (copy as Found).value, checkpointKind))
    expect(heads).toEqual(saved.map(({ head }) => head))
  })
})

describe('a checkpoint is refused', () => {
  it('when its format is newer, naming both', async () => {
    const stores = temporaryStores()
    await stores.documents.create('checkpoint/main/head', { format: 2 })
    const loading = checkpointsOf(stores).load()
    await expect(loading).rejects.toThrow(CheckpointError)
    await expect(loading).rejects.toThrow('checkpoint/main/head: expected format 1 or older, got 2')
  })

  it('when it counts in another log', async () => {
    const stores = temporaryStores()
    await history(stores, 1)
    const moved = openCheckpoint({ ...stores, lineage: 'main', fence: 2, log: 'log-2' })
    await expect(moved.load()).rejects.toThrow('expected log log-2, got offsets of log log-1')
    expect((await checkpointsOf(stores).load())?.saved.head.fence).toBe(1)
  })

  it.each([
    ['skips records', { from: { 'images.unlabeled/0': 15 } }],
    ['takes records twice', { from: { 'images.unlabeled/0': 5 } }],
    ['does not say where its records begin', { from: {} }],
    ['goes back', { offsets: { 'images.unlabeled/0': 5 } }],
    ['forgets a partition', { offsets: {} }],
  ])('when it %s', async (_, change) => {
    const stores = temporaryStores()
    const [first] = (await history(stores, 1)) as [Saved]
    const replacing = checkpointsOf(stores).replace(first, stateAfter(first, 20, change))
    await expect(replacing).rejects.toMatchObject({ code: 'CHECKPOINT', reason: 'offset-jump' })
    expect(expectWhole(await checkpointsOf(stores).load())).toBe(10)
  })
})

describe('a checkpoint has one writer', () => {
  it('and lets exactly one of two replace a head', async () => {
    const stores = temporaryStores()
    const [first] = (await history(stores, 1)) as [Saved]
    const racers = [20, 30].map((applied) =>
      checkpointsOf(stores.again()).replace(first, stateAfter(first, applied)),
    )
    const outcomes = await Promise.allSettled(racers)
    const lost = outcomes.filter((outcome) => outcome.status === 'rejected')
    expect(lost.map(({ reason }) => reason)).toEqual([expect.any(LeaseLostError)])
    expectWhole(await checkpointsOf(stores).load())
  })

  it('and lets exactly one of two begin a lineage', async () => {
    const stores = temporaryStores()
    const racers = [10, 20].map((applied) =>
      checkpointsOf(stores.again()).replace(undefined, stateAt(applied)),
    )
    const outcomes = await Promise.allSettled(racers)
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
  })

  it('who puts its fence into the head, so that a woken earlier one fails', async () => {
    const stores = temporaryStores()
    const [first] = (await history(stores, 1)) as [Saved]
    const loaded = await checkpointsOf(stores.again(), 2).load()
    expect(loaded?.saved.head).toEqual({ ...first.head, fence: 2 })
    const stale = checkpointsOf(stores)
    await expect(stale.replace(first, stateAfter(first, 20))).rejects.toThrow(LeaseLostError)
    await expect(stale.load()).rejects.toThrow(LeaseLostError)
    expect(expectWhole(await checkpointsOf(stores, 2).load())).toBe(10)
  })

  it('who fails even between copy and head', async () => {
    const stores = temporaryStores()
    const [first] = (await history(stores, 1)) as [Saved]
    const sleepy: DocumentStore = {
      ...stores.documents,
      async swap(...args) {
        await checkpointsOf(stores.again(), 2).load()
        return stores.documents.swap(...args)
      },
    }
    const stale = checkpointsOf({ ...stores, documents: sleepy })
    await expect(stale.replace(first, stateAfter(first, 20))).rejects.toThrow(LeaseLostError)
    const next = checkpointsOf(stores, 2)
    const loaded = (await next.load()) as Loaded
    expect(expectWhole(loaded)).toBe(10)
    // The copy that the stale writer left is not mistaken for ours.
    const mine = await next.replace(loaded.saved, stateAfter(loaded.saved, 30))
    expect(mine.head).toMatchObject({ seq: 3, after: 1 })
  })

  it('who knows its own write when it repeats it', async () => {
    const stores = temporaryStores()
    const checkpoints = checkpointsOf(stores)
    const [first] = (await history(stores, 1)) as [Saved]
    const next = stateAfter(first, 20)
    const second = await checkpoints.replace(first, next)
    expect(await checkpoints.replace(first, next)).toEqual(second)
    expect((await stores.documents.list('checkpoint/main/0')).length).toBe(2)
  })
})

describe('damage', () => {
  it('of a part falls back to the newest checkpoint that verifies, offsets with it', async () => {
    const stores = temporaryStores()
    const saved = await history(stores, 4)
    damage(stores, saved[3] as Saved, 'buffer')
    damage(stores, saved[2] as Saved, 'buffer')
    const loaded = (await checkpointsOf(stores).load()) as Loaded
    expect(loaded.fallback).toEqual({ from: 4, to: 2, damaged: ['buffer'] })
    expect(expectWhole(loaded)).toBe(20)
    expect(loaded.saved.head).toMatchObject({ seq: 5, after: 2 })
    const again = await checkpointsOf(stores).load()
    expect(again).toEqual({ saved: loaded.saved, parts: loaded.parts })
  })

  it('of a frozen input counts too', async () => {
    const stores = temporaryStores()
    const checkpoints = checkpointsOf(stores)
    const [, second] = (await history(stores, 2)) as [Saved, Saved]
    const begun = await checkpoints.replace(second, {
      ...second.head,
      round: { number: 1, seed: 1 },
    })
    await checkpoints.replace(begun, stateAfter(begun, 30, { round: begun.head.round }))
    damage(stores, second, 'buffer')
    const loaded = await checkpoints.load()
    expect(loaded?.fallback).toEqual({ from: 4, to: 1, damaged: ['buffer'] })
    expect(loaded?.round).toBeUndefined()
  })

  it('puts the next number above every version', async () => {
    const stores = temporaryStores()
    const saved = await history(stores, 2)
    await versions(stores.documents).create(7, 'a'.repeat(64))
    damage(stores, saved[1] as Saved, 'buffer')
    expect((await checkpointsOf(stores).load())?.saved.head.model.next).toBe(8)
  })

  it('never falls back to a copy that never was the head', async () => {
    const stores = temporaryStores()
    const [first] = (await history(stores, 1)) as [Saved]
    const dying: DocumentStore = { ...stores.documents, swap: () => Promise.reject(new Error('x')) }
    const dead = checkpointsOf({ ...stores, documents: dying })
    await expect(dead.replace(first, stateAfter(first, 20))).rejects.toThrow('x')
    const third = await checkpointsOf(stores).replace(first, stateAfter(first, 30))
    expect(third.head.seq).toBe(3)
    damage(stores, third, 'buffer')
    expect((await checkpointsOf(stores).load())?.fallback?.to).toBe(1)
  })

  it('everywhere stops the learner', async () => {
    const stores = temporaryStores()
    const saved = await history(stores, 2)
    damage(stores, saved[0] as Saved, 'student') // the one that both name
    const loading = checkpointsOf(stores).load()
    await expect(loading).rejects.toMatchObject({ code: 'CHECKPOINT', reason: 'damaged' })
    await expect(loading).rejects.toThrow('expected intact parts, student and all older')
  })

  it('is not what a store out of reach means', async () => {
    const stores = temporaryStores()
    await history(stores, 2)
    const away = new StoreError('get: away', { reason: 'unknown', retryable: true })
    const blobs: BlobStore = { ...stores.blobs, get: () => Promise.reject(away) }
    await expect(checkpointsOf({ ...stores, blobs }).load()).rejects.toThrow(away)
    expect((await checkpointsOf(stores).load())?.saved.head.seq).toBe(2)
  })
})

describe('every call may be the last one', () => {
  it('when a checkpoint is written: the state is the old one or the new one, whole', async () => {
    const calls = await failEveryCall(
      ['dies-before', 'dies-after', 'answer-lost'],
      async () => {
        const stores = temporaryStores()
        await history(stores, 2)
        return stores
      },
      async (stores) => {
        const checkpoints = checkpointsOf(stores, 2)
        const { saved } = (await checkpoints.load()) as Loaded
        await checkpoints.replace(saved, stateAfter(saved, 30))
      },
      async (stores) => {
        const checkpoints = checkpointsOf(stores, 3)
        const loaded = (await checkpoints.load()) as Loaded
        expect([20, 30]).toContain(expectWhole(loaded))
        expect(loaded.fallback).toBeUndefined()
        await checkpoints.replace(loaded.saved, stateAfter(loaded.saved, 40))
        expect(expectWhole(await checkpoints.load())).toBe(40)
      },
    )
    expect(calls).toBe(7) // head, fence, two parts, one part, copy, head
  })

  it('when it falls back', async () => {
    await failEveryCall(
      ['dies-before', 'dies-after', 'answer-lost'],
      async () => {
        const stores = temporaryStores()
        const saved = await history(stores, 3)
        damage(stores, saved[2] as Saved, 'buffer')
        return stores
      },
      (stores) => checkpointsOf(stores, 2).load(),
      async (stores) => {
        expect(expectWhole(await checkpointsOf(stores, 3).load())).toBe(20)
      },
    )
  })
})
