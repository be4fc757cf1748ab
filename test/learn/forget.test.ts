import { describe, expect, it } from 'vitest'
import {
  namesAny,
  withoutErased,
  withoutPictures,
  withoutTraining,
} from '../../lib/learn/forget.ts'
import { heldOutPictures } from '../../lib/learn/held-out.ts'
import { learnerWith, pictureOf } from './states.ts'

const state = {
  ...learnerWith(4),
  heldOut: {
    a: [pictureOf('a1'), pictureOf('a2')],
    b: [pictureOf('b1')],
    monitor: [pictureOf('m1')],
  },
}

it('removes pictures from the buffer and every held-out set, and counts the former', () => {
  const left = withoutPictures(state, new Set(['p1', 'p3', 'a1', 'b1', 'm1', 'unknown']))
  expect([...left.buffer.entries.keys()]).toEqual(['p0', 'p2'])
  expect(heldOutPictures(left.heldOut).map(({ id }) => id)).toEqual(['a2'])
  expect(left.buffer.rejected).toEqual({ gone: 2 })
  expect(withoutPictures(left, new Set(['p0'])).buffer.rejected).toEqual({ gone: 3 })
})

it('keeps what has been seen, and leaves the state given as it was', () => {
  const left = withoutPictures(state, new Set(['p0']))
  expect(left.seen).toBe(state.seen)
  expect(left.buffer.arrivals).toBe(4)
  expect(state.buffer.entries.size).toBe(4)
})

it('takes pictures that shall judge out of the buffer, and leaves the held-out ones', () => {
  const left = withoutTraining(state, new Set(['p2', 'a1']))
  expect([...left.buffer.entries.keys()]).toEqual(['p0', 'p1', 'p3'])
  expect(left.buffer.rejected).toEqual({ labelled: 1 })
  expect(left.heldOut).toBe(state.heldOut)
  expect(withoutTraining(left, new Set(['p2', 'a1']))).toBe(left)
})

describe('withoutErased', () => {
  const recent = (id: string, group = id) => ({
    ...{ id, group, fingerprint: '0'.repeat(16), embedding: Float32Array.of(1) },
  })
  const seen = {
    ...state.seen,
    ids: new Set(['p1', 'p9']),
    recent: new Map([['camera', [recent('p1'), recent('p9', 'p1')]]]),
    groups: new Map([['p1', { pictures: 2, heldOut: false }]]),
  }
  const full = { ...state, seen }

  it('drops pictures from the buffer, the held-out sets and what was seen', () => {
    const left = withoutErased(full, new Set(['p1', 'a1']))
    expect([...left.buffer.entries.keys()]).toEqual(['p0', 'p2', 'p3'])
    expect(left.buffer.rejected).toEqual({ erased: 1 })
    expect(heldOutPictures(left.heldOut).map(({ id }) => id)).toEqual(['a2', 'b1', 'm1'])
    expect([...left.seen.ids]).toEqual(['p9'])
    expect(left.seen.recent.get('camera')?.map(({ id }) => id)).toEqual(['p9'])
  })

  it('leaves others in their duplicate group', () => {
    const left = withoutErased(full, new Set(['p1']))
    expect(left.seen.groups).toBe(full.seen.groups)
    expect(left.seen.recent.get('camera')?.[0]?.group).toBe('p1')
  })

  it.each([
    ['is in the buffer', 'p0'],
    ['is held out', 'm1'],
    ['was seen', 'p9'],
  ])('knows a picture that %s', (_, id) => {
    expect(namesAny(full, new Set(['unknown', id]))).toBe(true)
    expect(namesAny(withoutErased(full, new Set([id])), new Set([id]))).toBe(false)
  })

  it('returns the state itself where it names none of them', () => {
    expect(withoutErased(full, new Set(['unknown']))).toBe(full)
    expect(withoutErased(full, new Set())).toBe(full)
  })
})
