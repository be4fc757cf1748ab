import { describe, expect, it } from 'vitest'
import {
  type BufferOptions,
  brokenQuota,
  defaultBufferOptions,
  draftOf,
  freshCount,
  insert,
} from '../../lib/learn/buffer.ts'
import { emptyState } from '../../lib/learn/state.ts'
import { bufferOf, entryOf, learnerWith, pictureOf } from './states.ts'

/** Fills a buffer with `count` pictures named by their number. */
function filled(policy: NonNullable<BufferOptions['policy']>, count: number, seed: number) {
  const draft = draftOf(emptyState.buffer)
  const options = { ...defaultBufferOptions, capacity: 10, policy }
  const left = Array.from({ length: count }, (_, i) =>
    insert(draft, pictureOf(String(i)), undefined, options, seed),
  )
  return { draft, left, ids: [...draft.entries.keys()].map(Number) }
}

const upTo = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i)

describe('insert', () => {
  it('keeps the newest pictures in order by fifo, and names what leaves', () => {
    const { ids, left } = filled('fifo', 25, 1)
    expect(ids).toEqual(upTo(15, 25))
    expect(left.slice(0, 10).every((one) => one === undefined)).toBe(true)
    expect(left.slice(10).map((one) => Number(one?.id))).toEqual(upTo(0, 15))
  })

  it.each(['reservoir', 'mixed'] as const)(
    'neither loses nor doubles a picture by %s',
    (policy) => {
      const { ids, left } = filled(policy, 60, 3)
      const gone = left.filter((one) => one !== undefined).map(({ id }) => Number(id))
      expect(ids).toHaveLength(10)
      expect([...ids, ...gone].sort((a, b) => a - b)).toEqual(upTo(0, 60))
    },
  )

  it('keeps half of a mixed buffer for the newest and offers the rest to the other half', () => {
    const { draft } = filled('mixed', 60, 3)
    const halves = [...draft.entries.values()]
    const recent = halves.filter(({ half }) => half === 'recent').map(({ arrival }) => arrival)
    expect(recent).toEqual(upTo(55, 60))
    expect(halves.filter(({ half }) => half === 'reservoir')).toHaveLength(5)
    expect(draft.offered).toBe(55)
  })

  it('keeps every picture of history with equal chance by reservoir', () => {
    const kept = new Float64Array(40)
    const runs = 600
    for (let seed = 0; seed < runs; seed += 1) {
      for (const id of filled('reservoir', 40, seed).ids) kept[id] = (kept[id] as number) + 1
    }
    // Binomial, 600 draws at 1/4: standard deviation 10.6; four of them.
    for (const count of kept) expect(Math.abs(count - runs / 4)).toBeLessThan(43)
  })

  it('evicts the same pictures for the same seed and others for another', () => {
    expect(filled('reservoir', 60, 5).ids).toEqual(filled('reservoir', 60, 5).ids)
    expect(filled('reservoir', 60, 6).ids).not.toEqual(filled('reservoir', 60, 5).ids)
  })

  it('leaves the state that the draft came from as it was', () => {
    const { buffer } = learnerWith(3)
    const draft = draftOf(buffer)
    insert(draft, pictureOf('new'), 4, defaultBufferOptions, 1)
    expect(buffer.entries.size).toBe(3)
    expect(draft.entries.get('new')).toEqual(entryOf('new', 3, { identity: 4 }))
  })
})

describe('brokenQuota', () => {
  const options = { ...defaultBufferOptions, capacity: 20 }
  const fromSources = (...counts: readonly number[]) =>
    draftOf(
      bufferOf(
        counts.flatMap((count, source) =>
          upTo(0, count).map((i) => entryOf(`${source}-${i}`, i, { source: `s${source}` })),
        ),
      ),
    )
  const next = { source: 's0', identity: undefined }

  it('lets one source fill the buffer while fewer than four are active', () => {
    expect(brokenQuota(fromSources(15, 1, 1), next, undefined, options)).toBeUndefined()
  })

  it('stops a source at a quarter of the capacity among four', () => {
    expect(brokenQuota(fromSources(4, 1, 1, 1), next, undefined, options)).toBeUndefined()
    expect(brokenQuota(fromSources(5, 1, 1, 1), next, undefined, options)).toBe('source-quota')
  })

  it('stops a cluster at four times its even share', () => {
    const members = (count: number) =>
      draftOf(bufferOf(upTo(0, count).map((i) => entryOf(`${i}`, i, { identity: 2 }))))
    const picture = { source: 'camera', identity: 2 }
    expect(brokenQuota(members(7), picture, 10, options)).toBeUndefined()
    expect(brokenQuota(members(8), picture, 10, options)).toBe('cluster-quota')
    expect(brokenQuota(members(8), { ...picture, identity: 3 }, 10, options)).toBeUndefined()
    expect(brokenQuota(members(8), picture, undefined, options)).toBeUndefined()
  })
})

it('counts the pictures that no round has seen', () => {
  expect(freshCount(learnerWith(10, 7).buffer)).toBe(3)
})
