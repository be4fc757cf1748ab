import { expect, it } from 'vitest'
import { withoutPictures, withoutTraining } from '../../lib/learn/forget.ts'
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
